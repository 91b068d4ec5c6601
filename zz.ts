import { parseYaml } from './src/config/document.ts'
const t = (name: string, text: string) => { const b = Buffer.from(text); const t0 = performance.now(); let r
 try { r = parseYaml('x.yaml', b, {}) ; console.log(name, b.length, Math.round(performance.now()-t0)+'ms', r.diagnostics.slice(0,2).map(d=>d.message.slice(0,90)), Math.round(process.memoryUsage().rss/1e6)) } catch (e) { console.log(name, b.length, Math.round(performance.now()-t0)+'ms', 'THROWS', String(e).slice(0,80)) } }
const which = process.argv[2]
const N = Number(process.argv[3])
const cases: Record<string, () => string> = {
 flow: () => 'a: ' + '['.repeat(N) + ']'.repeat(N),
 flowmap: () => 'a: ' + '{a: '.repeat(N) + '1' + '}'.repeat(N),
 seq: () => '- '.repeat(N) + '1',
 quest: () => '? '.repeat(N) + '1',
 block: () => Array.from({length: N}, (_, i) => ' '.repeat(i) + 'a:').join('\n') + ' 1',
 aliases: () => 'a: &a x\nb:\n' + Array.from({length: N}, () => '- *a').join('\n'),
 manyanchors: () => 'b:\n' + Array.from({length: N}, (_, i) => `- &a${i} x\n- *a${i}`).join('\n'),
 lol: () => 'a0: &a0 [x,x,x,x,x,x,x,x,x]\n' + Array.from({length: N}, (_, i) => `a${i+1}: &a${i+1} [${Array(9).fill('*a'+i).join()}]`).join('\n'),
 merge: () => 'm: &m {' + Array.from({length: 1000}, (_, i) => `k${i}: 1`).join(', ') + '}\nb:\n' + Array.from({length: N}, () => '- {<<: *m}').join('\n'),
 mergelist: () => 'm: &m {' + Array.from({length: 1000}, (_, i) => `k${i}: 1`).join(', ') + '}\nb:\n  <<: [' + Array(N).fill('*m').join() + ']',
 dupkeys: () => Array.from({length: N}, () => 'a: 1').join('\n'),
 keys: () => Array.from({length: N}, (_, i) => `k${i}: 1`).join('\n'),
 comments: () => '# x\n'.repeat(N) + 'a: 1',
 ignores: () => '# sluice-ignore\n'.repeat(N) + 'a: 1',
 scalar: () => 'a: "' + 'x'.repeat(N) + '"',
 tags: () => Array.from({length: N}, () => '- !!str x').join('\n'),
 badtabs: () => Array.from({length: N}, () => '\tx: [').join('\n'),
 unclosed: () => 'a: ' + '[1, '.repeat(N),
 docs: () => '---\na: 1\n'.repeat(N),
 envs: () => Array.from({length: N}, (_, i) => `k${i}: \${A${i}}`).join('\n'),
 envlong: () => 'a: ' + '${A:-x}'.repeat(N),
 envunset: () => 'a: ' + Array.from({length: N}, (_, i) => '${A'+i+'}').join(''),
 tagdir: () => '%TAG !e! tag:x,2000:\n'.repeat(N) + '---\na: 1',
 mlkey: () => '"' + 'a '.repeat(N) + '": 1',
}
t(which, (cases[which] as () => string)())
