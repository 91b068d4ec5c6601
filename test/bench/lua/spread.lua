-- Asks for each of N routes in turn (N: first argument); steps of a prime, so that neighbours don't share cache lines.
local requests, at, count = {}, 0, 1

function init(args)
  count = tonumber(args[1])
  for i = 0, count - 1 do
    local headers = { Host = 'h' .. i .. '.example.com' }
    requests[i] = wrk.format('GET', '/service-' .. i .. '/small', headers)
  end
end

function request()
  at = (at + 7919) % count
  return requests[at]
end
