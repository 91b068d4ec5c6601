import { isIP } from 'node:net'
import { describe, expect, test } from 'vitest'
import { CidrSet } from '../../../src/lib/cidr.ts'
import { canonicalIp } from '../../../src/lib/ip.ts'
import { seededRandom } from '../../../src/lib/random.ts'

describe('canonicalIp', () => {
  test.each([
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['10.1.2.3', '10.1.2.3'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
    ['0:0:1::', '0:0:1::'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::FFFF:0a01:0203', '10.1.2.3'],
    ['0:0:0:0:0:ffff:a01:203', '10.1.2.3'],
    ['64:ff9b::10.1.2.3', '64:ff9b::a01:203'],
    ['1:2:3:4:5:6:10.1.2.3', '1:2:3:4:5:6:a01:203'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalIp(text)).toBe(canonical)
    expect(isIP(canonical)).not.toBe(0)
  })

  test.each([
    '',
    ' ',
    'unknown',
    '_hidden',
    '<script>',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.04',
    '1..2.3',
    '1.2.3.',
    '.1.2.3',
    '1.2.3.4 ',
    '1.2.3.4:55',
    '-1.2.3.4',
    '0x7f.0.0.1',
    '2130706433',
    ':',
    ':::',
    '1:',
    ':1',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:10.1.2.3',
    '12345::',
    'g::',
    '::1.2.3',
    '::1.2.3.4:5',
    '::1%eth0',
    '[::1]',
    '1.2.3.4\u0130',
  ])('%j is no address', (text) => expect(canonicalIp(text)).toBeUndefined())

  test('agrees with node on random texts', () => {
    const random = seededRandom(7)
    const alphabet = '0123456789abcF:::...'
    let addresses = 0
    for (let i = 0; i < 200_000; i++) {
      let text = ''
      const length = 2 + (random.uint32() % 12)
      for (let c = 0; c < length; c++) text += alphabet[random.uint32() % alphabet.length]
      const known = isIP(text) !== 0
      if (known) addresses++
      if ((canonicalIp(text) !== undefined) !== known) expect.fail(`${text} is ${known ? 'an' : 'no'} address`)
    }
    expect(addresses).toBeGreaterThan(100)
  })
})

describe('CidrSet', () => {
  test.each([
    [['10.0.0.0/8'], '10.0.0.0', true],
    [['10.0.0.0/8'], '10.255.255.255', true],
    [['10.0.0.0/8'], '11.0.0.0', false],
    [['10.0.0.0/8'], '9.255.255.255', false],
    [['10.0.0.0/8'], '::ffff:10.1.1.1', true],
    [['10.0.0.0/8'], '::10.1.1.1', false],
    [['::ffff:10.0.0.0/104'], '10.1.1.1', true],
    [['10.9.9.9/8'], '10.1.1.1', true],
    [['10.1.1.1'], '10.1.1.1', true],
    [['10.1.1.1'], '10.1.1.2', false],
    [['0.0.0.0/0'], '255.1.1.1', true],
    [['0.0.0.0/0'], '::1', false],
    [['::/0'], '10.1.1.1', false],
    [['::/0'], 'ffff::1', true],
    [['10.0.0.0/31', '10.0.0.4/32'], '10.0.0.2', false],
    [['10.0.0.0/24', '10.0.0.0/8', '10.200.0.0/16'], '10.201.0.1', true],
    [['192.168.0.0/16', '10.0.0.0/8', '172.16.0.0/12'], '172.31.255.255', true],
    [['192.168.0.0/16', '10.0.0.0/8', '172.16.0.0/12'], '172.32.0.0', false],
    [['2001:db8::/33'], '2001:db8:7fff::1', true],
    [['2001:db8::/33'], '2001:db8:8000::', false],
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['10.0.0.0/8'], 'unknown', false],
    [[], '10.1.1.1', false],
  ] as const)('%j contains %s: %s', (blocks, address, expected) => {
    expect(new CidrSet(blocks).contains(address)).toBe(expected)
  })

  test.each(['', 'x', '10.0.0.0/', '10.0.0.0/33', '::/129', '10.0.0.0/8x', '10.0.0.0/-1', '::ffff:10.0.0.0/90'])(
    '%j is refused',
    (block) => expect(() => new CidrSet([block])).toThrow(),
  )

  test('agrees with a plain comparison of masks on random blocks', () => {
    const random = seededRandom(3)
    const text = (v4: number) => [24, 16, 8, 0].map((shift) => (v4 >>> shift) & 255).join('.')
    const near = () => (random.uint32() & 0x0000_3fff) | 0x0a00_0000
    let inside = 0
    for (let round = 0; round < 200; round++) {
      const blocks = Array.from({ length: 20 }, () => ({ base: near(), prefix: 24 + (random.uint32() % 9) }))
      const set = new CidrSet(blocks.map(({ base, prefix }) => `${text(base)}/${prefix}`))
      for (let i = 0; i < 100; i++) {
        const address = near()
        const expected = blocks.some(({ base, prefix }) => base >>> (32 - prefix) === address >>> (32 - prefix))
        if (expected) inside++
        expect(set.contains(text(address)), text(address)).toBe(expected)
      }
    }
    expect(inside).toBeGreaterThan(100)
  })
})
