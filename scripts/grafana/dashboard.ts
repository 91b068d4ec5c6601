import { layout } from './model.ts'
import { ROWS } from './rows.ts'

const SOURCE = { type: 'prometheus', uid: '$datasource' }

/** A variable that is filled from the values of a label. `allValue`: also where a series lacks the label. */
function variable(name: string, label: string, metric: string, of: string): object {
  return {
    type: 'query',
    name,
    label,
    datasource: SOURCE,
    definition: `label_values(${metric}, ${of})`,
    query: { query: `label_values(${metric}, ${of})`, refId: 'Variable' },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  }
}

/** `config/grafana/sluice.json`: a dashboard in Grafana's classic model, to be imported or provisioned. */
export function grafanaDashboard(): string {
  const all = 'job=~"$gateway", instance=~"$instance"'
  const dashboard = {
    uid: 'sluice',
    title: 'Sluice',
    description: 'A Sluice gateway: traffic, failures, and what it does about them.',
    tags: ['sluice', 'gateway'],
    schemaVersion: 42,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    annotations: {
      list: [
        {
          name: 'Config changes',
          datasource: SOURCE,
          enable: true,
          iconColor: 'blue',
          expr: `sluice_config_last_reload_success_timestamp_seconds{${all}} * 1000`,
          useValueForTime: true,
          titleFormat: 'Another config is live',
          tagKeys: 'instance',
        },
      ],
    },
    templating: {
      list: [
        {
          type: 'datasource',
          name: 'datasource',
          label: 'Data source',
          query: 'prometheus',
          current: {},
          refresh: 1,
        },
        variable('gateway', 'Gateway', 'sluice_build_info', 'job'),
        variable('instance', 'Instance', 'sluice_build_info{job=~"$gateway"}', 'instance'),
        variable('route', 'Route', 'sluice_requests_in_flight{job=~"$gateway"}', 'route'),
        variable('upstream', 'Upstream', 'sluice_upstream_endpoints{job=~"$gateway"}', 'upstream'),
      ],
    },
    panels: layout(ROWS),
  }
  return `${JSON.stringify(dashboard, undefined, 2)}\n`
}
