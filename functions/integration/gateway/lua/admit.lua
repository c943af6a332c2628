-- Admits a call, or says why not. All keys of an organization share one hash slot, named by its {org_ref} tag.
--
-- KEYS[1] {org_ref}:key:<digest>, the API key's record
-- ARGV    1 now (ms)           2 id of the hold        3 model
--         4 cache digest, '' for no cached answer      5 estimated tokens
--         6 most the call can cost (pico-dollars)      7 expiry of the hold (ms)
--         8 context of the hold (JSON, for the sweeper)  9 budget window, such as 2026-11
--         10 expiry of the budget window's counters (ms)  11 the caller's address, as llmo_auth.networks writes it
--         12 version of the organization's configuration that the call was read with
--         13 ids of the targets whose health is asked for, with spaces between them
--         14 '1' when nothing but a cached answer will do
--
-- Answers {'unknown'} (to Redis) | {'refused'} (unknown to everybody) | {'revoked'} | {'expired'} | {'network'} | {'model'} | {'requests', limit, wait ms}
--       | {'tokens', limit, wait ms or -1 when it can never fit} | {'budget', scope, 'spent' or 'held'}
--       | {'uncached'} | {'hit', record, requests state, tokens state, answer}
--       | {'admitted', record, requests state, tokens state, health of each target} | {'config', version there is}
--         where a state is '' or 'limit remaining reset_ms', and health is 'open until (ms) failures latency (ms) busy'.
local MINUTE = 60000
local now = tonumber(ARGV[1])
local text = redis.call('GET', KEYS[1])
if not text then return {'unknown'} end
if text == 'revoked' or text == 'refused' then return {text} end
local key = cjson.decode(text)
if key.expires and key.expires <= now then return {'expired'} end
if key.networks then
  local inside = false
  for _, network in ipairs(key.networks) do
    inside = ARGV[11] ~= '' and string.sub(ARGV[11], 1, #network) == network
    if inside then break end
  end
  if not inside then return {'network'} end
  key.networks = nil -- what follows carries the record along
  text = cjson.encode(key)
end
local tag = string.match(KEYS[1], '^{[^}]+}')
local version = redis.call('GET', tag .. ':config_version') or ''
if version ~= ARGV[12] then return {'config', version} end
if key.models then
  local allowed = false
  for _, model in ipairs(key.models) do allowed = allowed or model == ARGV[3] end
  if not allowed then return {'model'} end
end
local function used() redis.call('HSET', tag .. ':used', key.key_id, now) end

-- Generic cell rate algorithm: one number per limit, the theoretical arrival time of the next conforming unit.
local function conform(name, per_minute, units)
  local interval = MINUTE / per_minute
  local arrival = math.max(tonumber(redis.call('GET', name) or '0'), now) + units * interval
  return arrival, arrival - now - MINUTE
end
local function state(per_minute, arrival)
  local left = math.floor((MINUTE - (arrival - now)) * per_minute / MINUTE + 1e-6)
  return string.format('%d %d %d', per_minute, math.max(left, 0), math.max(math.ceil(arrival - now), 0))
end
local function keep(name, arrival)
  redis.call('SET', name, string.format('%.3f', arrival), 'PX', math.max(math.ceil(arrival - now), 1))
end

local requests_state, tokens_state = '', ''
local requests_name = tag .. ':requests:' .. key.key_id
local requests_arrival
if key.rpm then
  local excess
  requests_arrival, excess = conform(requests_name, key.rpm, 1)
  if excess > 1e-6 then return {'requests', key.rpm, math.ceil(excess)} end
  requests_state = state(key.rpm, requests_arrival)
end

local tokens_name = tag .. ':tokens:' .. key.key_id
if ARGV[4] ~= '' then
  local answer = redis.call('GET', tag .. ':cache:' .. key.project_id .. ':' .. ARGV[4])
  if answer then
    if key.rpm then keep(requests_name, requests_arrival) end
    if key.tpm then tokens_state = state(key.tpm, (conform(tokens_name, key.tpm, 0))) end
    used()
    return {'hit', text, requests_state, tokens_state, answer}
  end
  if ARGV[14] == '1' then return {'uncached'} end
end

local tokens_arrival
if key.tpm then
  local excess
  tokens_arrival, excess = conform(tokens_name, key.tpm, tonumber(ARGV[5]))
  if excess > 1e-6 then
    if tonumber(ARGV[5]) > key.tpm then return {'tokens', key.tpm, -1} end
    return {'tokens', key.tpm, math.ceil(excess)}
  end
  tokens_state = state(key.tpm, tokens_arrival)
end

-- Counters are 64-bit integers changed by HINCRBY only; Lua's doubles merely compare them.
local budgets = {}
for _, budget in ipairs(key.budgets) do
  local name = tag .. ':spend:' .. budget[1] .. ':' .. budget[2] .. ':' .. ARGV[9]
  local counters = redis.call('HMGET', name, 'spent', 'held')
  local spent, held = tonumber(counters[1] or '0'), tonumber(counters[2] or '0')
  if spent + held + tonumber(ARGV[6]) > tonumber(budget[3]) then
    return {'budget', budget[1], spent + tonumber(ARGV[6]) > tonumber(budget[3]) and 'spent' or 'held'}
  end
  budgets[#budgets + 1] = name
end

if key.rpm then keep(requests_name, requests_arrival) end
local hold = {amount = ARGV[6], context = ARGV[8], key = text}
if key.tpm then
  keep(tokens_name, tokens_arrival)
  hold.tokens_name, hold.tokens, hold.tpm, hold.arrival = tokens_name, tonumber(ARGV[5]), key.tpm, tokens_arrival
end
for _, name in ipairs(budgets) do
  redis.call('HINCRBY', name, 'held', ARGV[6])
  redis.call('PEXPIREAT', name, ARGV[10])
end
if #budgets > 0 then hold.budgets = budgets end
redis.call('SET', tag .. ':hold:' .. ARGV[2], cjson.encode(hold))
redis.call('ZADD', tag .. ':holds', ARGV[7], ARGV[2])
used()
local health = {}
for id in string.gmatch(ARGV[13], '%S+') do
  local name = tag .. ':target:' .. id
  local known = redis.call('HMGET', name, 'open_until', 'failures', 'latency')
  local busy = redis.call('ZCOUNT', name .. ':busy', now, '+inf')
  health[#health + 1] = table.concat({known[1] or '0', known[2] or '0', known[3] or '-', busy}, ' ')
end
return {'admitted', text, requests_state, tokens_state, health}
