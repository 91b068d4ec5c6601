import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Service } from 'kubernetes-models/v1/Service'
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { prometheusRule } from '../../../scripts/prometheus-rule.ts'
import type { Config } from '../../../src/config/language/config.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { last, parseDockerfile, type Stage } from './kit/dockerfile.ts'
import { ROOT } from './kit/image.ts'

const K8S = join(ROOT, 'k8s')
const EXAMPLE = join(ROOT, 'config/examples/kubernetes.yaml')
const MIB = 1_048_576

function manifest(name: string): never {
  return parse(readFileSync(join(K8S, `${name}.yaml`), 'utf8')) as never
}

const deployment = new Deployment(manifest('deployment'))
const service = new Service(manifest('service'))
const configMap = new ConfigMap(manifest('configmap'))
const budget = new PodDisruptionBudget(manifest('poddisruptionbudget'))
const autoscaler = new HorizontalPodAutoscaler(manifest('horizontalpodautoscaler'))
const account = new ServiceAccount(manifest('serviceaccount'))
const all = { deployment, service, configMap, budget, autoscaler, account }

const pod = deployment.spec?.template.spec
const container = pod?.containers[0]
let config: Config

beforeAll(async () => {
  const loaded = await loadConfig(EXAMPLE, loadDeps({}))
  expect(loaded.diagnostics).toEqual([])
  config = loaded.config as Config
})

test.each(Object.entries(all))('the %s fits its Kubernetes schema', (_name, model) => {
  expect(() => model.validate()).not.toThrow()
})

test('the schemas do find mistakes', () => {
  const broken = manifest('deployment') as { spec: { template: { spec: Record<string, unknown> } } }
  broken.spec.template.spec.terminationGracePeriodSeconds = '50s'
  expect(() => new Deployment(broken as never).validate()).toThrow(/terminationGracePeriodSeconds/)
})

test('kustomize takes every manifest', () => {
  const { resources, images } = manifest('kustomization') as {
    resources: string[]
    images: { name: string; newTag: string }[]
  }
  const files = readdirSync(K8S).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
  expect(resources.toSorted()).toEqual(files.toSorted())
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  expect(container?.image).toBe(`${images[0]?.name}:${version}`)
  expect(images[0]?.newTag).toBe(version)
})

describe('for the Prometheus operator, apart', () => {
  const folder = readdirSync(join(K8S, 'monitoring'))

  test('kustomize takes every manifest, and the plain kustomization none of them', () => {
    const { resources } = manifest('monitoring/kustomization') as { resources: string[] }
    expect(resources.toSorted()).toEqual(folder.filter((file) => file !== 'kustomization.yaml').toSorted())
    expect(JSON.stringify(manifest('kustomization'))).not.toContain('monitoring')
  })

  test('the rules are those that are shipped', () => {
    const rules = readFileSync(join(ROOT, 'config/prometheus/rules.yaml'), 'utf8')
    expect(readFileSync(join(K8S, 'monitoring/prometheusrule.yaml'), 'utf8')).toBe(prometheusRule(rules))
    expect((manifest('monitoring/prometheusrule') as { spec: unknown }).spec).toEqual(parse(rules))
  })

  test('the pods are scraped at their probes, under the job name that the rules take', () => {
    const { spec } = manifest('monitoring/podmonitor') as {
      spec: {
        selector: { matchLabels: Record<string, string> }
        jobLabel: string
        podMetricsEndpoints: { port: string; path: string; honorLabels: boolean }[]
      }
    }
    const labels = deployment.spec?.template.metadata?.labels
    expect(labels).toMatchObject(spec.selector.matchLabels)
    expect(labels?.[spec.jobLabel]).toMatch(/^sluice/)
    expect(spec.podMetricsEndpoints).toMatchObject([{ port: 'probes', path: '/metrics', honorLabels: true }])
  })
})

describe('the config', () => {
  test('is a copy of the example, byte for byte', () => {
    expect(configMap.data?.['sluice.yaml']).toBe(readFileSync(EXAMPLE, 'utf8'))
    expect(Object.keys(configMap.data ?? {})).toEqual(['sluice.yaml'])
  })

  test('is mounted where the image looks for it', () => {
    const final = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).at(-1) as Stage
    const mount = container?.volumeMounts?.find(({ name }) => name === 'config')
    expect(last(final, 'CMD').text).toContain(`${mount?.mountPath}/sluice.yaml`)
    expect(pod?.volumes?.find(({ name }) => name === 'config')?.configMap?.name).toBe(configMap.metadata?.name)
  })

  test('keeps its state in a folder that can be written', () => {
    const mount = container?.volumeMounts?.find(({ mountPath }) => mountPath === config.stateDir)
    expect(mount?.readOnly).toBeUndefined()
    expect(pod?.volumes?.find(({ name }) => name === mount?.name)?.emptyDir).toBeDefined()
  })

  test('keeps the admin API in the pod and shows the probes to the node', () => {
    expect(config.admin.host).toBe('127.0.0.1')
    expect(config.probes?.host).toBe('0.0.0.0')
    expect(config.lean.listeners.map(({ host }) => host)).toEqual(['0.0.0.0'])
  })

  test('asks for no more memory than the pod has: 256 MiB for each worker and the control plane', () => {
    const limit = /^(\d+)Gi$/.exec(String(container?.resources?.limits?.memory))?.[1]
    expect(config.workers).not.toBe('auto')
    expect((Number(config.workers) + 1) * 256 * MIB).toBeLessThanOrEqual(Number(limit) * 1024 * MIB)
  })
})

describe('ports', () => {
  const portOf = (name: string) => container?.ports?.find((port) => port.name === name)?.containerPort

  test('are those of the config', () => {
    expect(portOf('web')).toBe(config.lean.listeners[0]?.port)
    expect(portOf('probes')).toBe(config.probes?.port)
    expect(container?.ports).toHaveLength(2)
  })

  test('probes ask what they are named after, where the config listens', () => {
    const paths = { startupProbe: '/startupz', livenessProbe: '/livez', readinessProbe: '/readyz' } as const
    for (const [probe, path] of Object.entries(paths)) {
      expect(container?.[probe as keyof typeof paths]?.httpGet).toEqual({ path, port: 'probes' })
    }
  })

  test('start-up has longer than names that do not resolve hold it up, and a liveness probe does not end a slow start', () => {
    const { periodSeconds = 0, failureThreshold = 0 } = container?.startupProbe ?? {}
    expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(30)
  })

  test('the service leads to the web port, Prometheus to the probes', () => {
    expect(service.spec?.ports?.map(({ targetPort }) => targetPort)).toEqual(['web'])
    const annotations = deployment.spec?.template.metadata?.annotations
    expect(annotations).toMatchObject({
      'prometheus.io/port': String(config.probes?.port),
      'prometheus.io/path': '/metrics',
    })
  })
})

describe('the way out', () => {
  test('the pod lives longer than the drain takes', () => {
    const drain = (config.drain.delay + config.drain.timeout) / 1000
    expect(pod?.terminationGracePeriodSeconds).toBe(drain + 10)
  })

  test('the drain is noticed before connections are refused', () => {
    const { periodSeconds = 0, failureThreshold = 0 } = container?.readinessProbe ?? {}
    expect(periodSeconds * failureThreshold * 1000).toBeLessThan(config.drain.delay)
  })

  test('nothing sleeps before the signal: drain.delay is that time', () => {
    expect(container?.lifecycle).toBeUndefined()
    expect(config.drain.delay).toBeGreaterThanOrEqual(5_000)
  })
})

describe('what the pod may do', () => {
  test('it runs as the user of the image, on a read-only file system, with no rights to gain', () => {
    const final = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).at(-1) as Stage
    expect(`${pod?.securityContext?.runAsUser}:${pod?.securityContext?.runAsGroup}`).toBe(last(final, 'USER').text)
    expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  })

  test('it has no token of the Kubernetes API', () => {
    expect(pod?.serviceAccountName).toBe(account.metadata?.name)
    expect([pod?.automountServiceAccountToken, account.automountServiceAccountToken]).toEqual([false, false])
  })
})

describe('what belongs together', () => {
  const labels = deployment.spec?.template.metadata?.labels ?? {}

  test('every selector matches the pods', () => {
    const selectors = [
      deployment.spec?.selector.matchLabels,
      service.spec?.selector,
      budget.spec?.selector?.matchLabels,
      ...(pod?.topologySpreadConstraints ?? []).map(({ labelSelector }) => labelSelector?.matchLabels),
    ]
    expect(selectors).toHaveLength(5)
    for (const selector of selectors) {
      expect(Object.keys(selector ?? {})).not.toEqual([])
      expect(labels).toMatchObject(selector ?? {})
    }
  })

  test('the autoscaler owns the number of pods, and reckons with a CPU request', () => {
    expect(autoscaler.spec?.scaleTargetRef).toEqual({
      apiVersion: deployment.apiVersion,
      kind: deployment.kind,
      name: deployment.metadata?.name,
    })
    expect(deployment.spec?.replicas).toBeUndefined()
    expect(container?.resources?.requests?.cpu).toBeDefined()
  })

  test('a node can be drained, and not every pod goes at once', () => {
    expect(budget.spec?.maxUnavailable).toBe(1)
    expect(autoscaler.spec?.minReplicas).toBeGreaterThanOrEqual(2)
  })
})
