const HEAD = `# config/prometheus/rules.yaml for the Prometheus operator; made by npm run docs.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: sluice
  labels:
    app.kubernetes.io/name: sluice
spec:
`

/** The rules file as a resource of the Prometheus operator. */
export function prometheusRule(rules: string): string {
  const groups = rules.slice(rules.indexOf('\ngroups:\n') + 1)
  return HEAD + groups.replace(/^(?=.)/gm, '  ')
}
