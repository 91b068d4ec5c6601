/** What becomes of a directive, for the docs and for the list of what stays out. */
export interface DirectiveRule {
  /**
   * carried: read where it holds. needless: means nothing to Sluice. left: listed. restricts: listed, and its routes are
   * closed.
   */
  readonly kind: 'carried' | 'needless' | 'left' | 'restricts'
  /** The key of Sluice, or why there is none. */
  readonly becomes: string
}

function rules(kind: DirectiveRule['kind'], table: Readonly<Record<string, string>>): [string, DirectiveRule][] {
  return Object.entries(table).flatMap(([names, becomes]) =>
    names.split(' ').map((name): [string, DirectiveRule] => [name, { kind, becomes }]),
  )
}

const CARRIED = {
  'http server events': 'their contents',
  upstream:
    '`upstreams`, with their servers: weight, max_conns, backup (tier 1), down; max_fails and fail_timeout as `outlierDetection`',
  'least_conn ip_hash hash random': '`loadBalancing`',
  listen:
    '`listeners`, and `match.listeners` where servers differ in theirs; those with ssl are listed, and listen on 127.0.0.1',
  server_name: '`match.hosts`: exact, `*.name`, `.name`; a default server takes any host',
  location: '`match.path`, ranked as nginx does; where it needs regular expressions, with `precedence`',
  proxy_pass: '`to`, and `rewrite` for its path',
  return: '`redirect` or `respond`',
  rewrite: '`rewrite` (break) or `redirect` (redirect, permanent), where it is a prefix or the whole path',
  proxy_set_header: '`headers.request`, `rewrite.host`; X-Forwarded-* are sent anyway',
  add_header: '`headers.response.add`',
  proxy_hide_header: '`headers.response.remove`',
  proxy_connect_timeout: '`upstreams.NAME.timeouts.connect`',
  proxy_read_timeout: '`timeouts` request, idle, stream',
  'proxy_next_upstream proxy_next_upstream_tries': '`retries`',
  'client_header_timeout client_body_timeout keepalive_timeout': '`listeners.NAME.timeouts`',
  merge_slashes: '`pathPolicy.slashes`, checked where servers differ',
  worker_processes: '`workers`',
  worker_shutdown_timeout: '`drain.timeout`, which else is the longest time that a request may take',
  'proxy_ssl_verify proxy_ssl_name': '`upstreams.NAME.tls`',
  'limit_conn limit_conn_zone': '`bulkhead.maxConcurrent` of a location, for zones by `$server_name`; else listed',
  'internal default_type': '`respond`',
  proxy_redirect: '`rewrite.redirects: off` for off, nothing for default; else listed',
}

const NEEDLESS = {
  'user pid daemon master_process worker_rlimit_nofile worker_connections multi_accept use worker_cpu_affinity worker_priority':
    'the process',
  'error_log access_log log_format log_not_found open_log_file_cache': 'logs: Sluice has its own',
  'sendfile tcp_nopush tcp_nodelay aio directio types types_hash_max_size types_hash_bucket_size server_names_hash_max_size server_names_hash_bucket_size variables_hash_max_size variables_hash_bucket_size proxy_headers_hash_max_size proxy_headers_hash_bucket_size open_file_cache output_buffers reset_timedout_connection lingering_close':
    'tuning',
  'keepalive keepalive_requests zone proxy_http_version proxy_buffering proxy_buffer_size proxy_buffers proxy_busy_buffers_size proxy_request_buffering proxy_socket_keepalive proxy_max_temp_file_size client_body_buffer_size client_header_buffer_size large_client_header_buffers client_body_temp_path proxy_temp_path fastcgi_temp_path uwsgi_temp_path scgi_temp_path proxy_pass_header':
    'Sluice streams, and keeps connections by itself',
  'server_tokens server_name_in_redirect port_in_redirect absolute_redirect resolver resolver_timeout proxy_ssl_server_name proxy_ssl_session_reuse':
    'nothing of it is left to decide',
  'ssl_session_cache ssl_session_timeout ssl_session_tickets ssl_protocols ssl_ciphers ssl_prefer_server_ciphers ssl_dhparam ssl_ecdh_curve ssl_stapling ssl_stapling_verify ssl_trusted_certificate ssl_buffer_size':
    'belongs to the TLS that ends in front',
}

const LEFT = {
  'ssl_certificate ssl_certificate_key ssl http2 http3':
    'Sluice has no TLS listeners in this version; end TLS in front',
  'root alias index try_files autoindex': 'Sluice serves no files',
  'fastcgi_pass uwsgi_pass scgi_pass grpc_pass memcached_pass': 'upstreams speak HTTP/1.1',
  client_max_body_size: 'a bound on bodies is not in this version of Sluice',
  'limit_req limit_req_zone limit_req_status limit_conn_status limit_rate limit_rate_after':
    'rate limits are not in this version of Sluice',
  'gzip gzip_types gzip_vary gzip_proxied gzip_comp_level gzip_min_length gzip_disable gzip_http_version gzip_buffers gunzip brotli':
    'Sluice compresses nothing; do it in the service or in front',
  'proxy_cache proxy_cache_path proxy_cache_valid proxy_cache_key proxy_cache_bypass proxy_no_cache proxy_cache_use_stale proxy_cache_lock proxy_cache_methods proxy_cache_min_uses proxy_cache_background_update proxy_cache_revalidate':
    'caching is not in this version of Sluice',
  'proxy_send_timeout send_timeout': 'timeouts.minRate bounds slow transfers by their rate',
  proxy_next_upstream_timeout: 'timeouts.request bounds the request with all its attempts',
  'error_page proxy_intercept_errors recursive_error_pages': 'fallback answers where no upstream does',
  'map geo split_clients set': 'there are no variables',
  'set_real_ip_from real_ip_header real_ip_recursive': 'write trust.proxies',
  'sub_filter sub_filter_once sub_filter_types': 'bodies are not changed',
  'mirror mirror_request_body': 'mirroring is not in this version of Sluice',
  expires: 'write headers.response.set',
  'auth_basic_user_file auth_request_set satisfy ssl_client_certificate': 'belongs to authentication',
  'stream mail': 'Sluice speaks HTTP only',
  include: 'there is no such file here',
  load_module: 'there are no modules',
  'proxy_ssl_trusted_certificate proxy_ssl_certificate proxy_ssl_certificate_key':
    'write upstreams.NAME.tls with the files',
  'proxy_cookie_path proxy_cookie_domain proxy_bind proxy_method proxy_set_body proxy_ignore_headers proxy_pass_request_headers proxy_pass_request_body proxy_store':
    'Sluice has no such key',
}

const RESTRICTS = {
  'allow deny': 'access by client address is not in this version of Sluice',
  'auth_basic auth_request auth_jwt ssl_verify_client': 'authentication is not in this version of Sluice',
  'limit_except secure_link secure_link_md5 valid_referers': 'this condition is not in this version of Sluice',
  if: 'conditions on variables are not read; closed where it denies or returns 4xx, but for 404',
}

/** Every directive that is known. */
export const DIRECTIVES: ReadonlyMap<string, DirectiveRule> = new Map([
  ...rules('carried', CARRIED),
  ...rules('needless', NEEDLESS),
  ...rules('left', LEFT),
  ...rules('restricts', RESTRICTS),
])
