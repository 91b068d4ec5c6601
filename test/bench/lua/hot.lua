-- Asks for ten of N routes (N: first argument), which lie far apart: the rest of the table is there, and cold.
local requests, at = {}, 0

function init(args)
  local step = math.max(1, math.floor(tonumber(args[1]) / 10))
  for i = 0, 9 do
    local route = i * step
    local headers = { Host = 'h' .. route .. '.example.com' }
    requests[i] = wrk.format('GET', '/service-' .. route .. '/small', headers)
  end
end

function request()
  at = (at + 1) % 10
  return requests[at]
end
