-- Admits a call, or says why not. All keys of an organization share one hash slot, named by its {org_ref} tag.
--
-- KEYS[1] {org_ref}:key:<digest>, the API key's record
-- ARGV    1 now (ms)           2 id of the hold        3 model
--         4 cache digest, '' for no cached answer      5 estimated tokens
--         6 most the call can cost (pico-dollars)      7 expiry of the hold (ms)
--         8 context of the hold (JSON, for the sweeper)  9 window of the key's own budgets, such as 2026-11
--         10 expiry of that window's counters (ms)  11 the caller's address, as llmo_auth.networks writes it
--         12 version of the organization's configuration that the call was read with
--         13 ids of the targets whose health is asked for, with spaces between them
--         14 limits and budgets that the organization has set for such calls, '' for none, as integration.gateway.meters
--            writes them                               15 '1' when nothing but a cached answer will do
--         16 'share' when the answer to an equal call that is under way will do too; 'again' after waiting for one in vain
--         17 digest of calls of the same form, whose answer will do too, '' for none
--         18 digest of the bucket of calls that may mean the same; not there when none is asked for
--
-- Answers {'unknown'} (to Redis) | {'refused'} (unknown to everybody) | {'revoked'} | {'expired'} | {'network'} | {'model'}
--       | {'requests' or 'tokens' or 'tokens_day', limit, wait ms or -1 when it can never fit, scope}
--       | {'concurrent', limit, scope} | {'budget', scope, 'spent' or 'held', window, its beginning, id} | {'uncached'}
--       | {'hit', record, requests state, tokens state, answer, 'exact' or 'form'} | {'config', version there is}
--       | {'follow', record, requests state, tokens state}
--       | {'admitted', record, requests state, tokens state, health of each target, and the bucket where one is asked for}
--         where a state is '' or 'limit remaining reset_ms', and health is 'open until (ms) failures latency (ms) busy'.
local MINUTE, DAY, LEADS = 60000, 86400000, 60000
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

-- Generic cell rate algorithm: one number per limit, the theoretical arrival time of the next conforming unit. None is
-- further away than a whole period, but for one that a process wrote whose clock is ahead of ours.
local function conform(rate, units)
  local interval = rate.period / rate.limit
  local known = math.min(tonumber(redis.call('GET', rate.name) or '0'), now + rate.period)
  rate.arrival = math.max(known, now) + units * interval
  return rate.arrival - now - rate.period
end
local function state(rate)
  local left = math.floor((rate.period - (rate.arrival - now)) * rate.limit / rate.period + 1e-6)
  return string.format('%d %d %d', rate.limit, math.max(left, 0), math.max(math.ceil(rate.arrival - now), 0))
end
local function keep(rate)
  redis.call('SET', rate.name, string.format('%.3f', rate.arrival), 'PX', math.max(math.ceil(rate.arrival - now), 1))
end

-- The key's own limits and budgets, then those that the organization has set.
local requests, tokens, running, budgets = {}, {}, {}, {}
local function rate(into, kind, scope, name, limit, period)
  if limit then into[#into + 1] = {kind = kind, scope = scope, name = tag .. name, limit = limit, period = period} end
end
rate(requests, 'requests', 'key', ':requests:' .. key.key_id, key.rpm, MINUTE)
rate(tokens, 'tokens', 'key', ':tokens:' .. key.key_id, key.tpm, MINUTE)
for _, budget in ipairs(key.budgets) do
  budgets[#budgets + 1] = {
    scope = budget[1], name = tag .. ':spend:' .. budget[1] .. ':' .. budget[2] .. ':' .. ARGV[9], limit = budget[3],
    hard = true, expires = ARGV[10], window = 'month', alerts = {50, 80, 95, 100}, id = budget[1] .. ':' .. budget[2],
    subject = budget[2], starts = ARGV[9],
  }
end
if ARGV[14] ~= '' then
  local set = cjson.decode(ARGV[14])
  for _, limit in ipairs(set.limits) do
    rate(requests, 'requests', limit.scope, limit.name .. ':requests', limit.rpm, MINUTE)
    rate(tokens, 'tokens', limit.scope, limit.name .. ':tokens', limit.tpm, MINUTE)
    rate(tokens, 'tokens_day', limit.scope, limit.name .. ':tokens_day', limit.tpd, DAY)
    rate(running, 'concurrent', limit.scope, limit.name .. ':running', limit.concurrent, 0)
  end
  for _, budget in ipairs(set.budgets) do
    budget.name = tag .. budget.name
    budgets[#budgets + 1] = budget
  end
end

for _, limit in ipairs(requests) do
  local excess = conform(limit, ARGV[16] == 'again' and 0 or 1)
  if excess > 1e-6 then return {limit.kind, limit.limit, math.ceil(excess), limit.scope} end
end
local requests_state = key.rpm and state(requests[1]) or ''

if ARGV[4] ~= '' then
  local stored, match = tag .. ':cache:' .. key.project_id .. ':', 'exact'
  local answer = redis.call('GET', stored .. ARGV[4])
  if not answer and ARGV[17] ~= '' then
    local equal = redis.call('GET', stored .. 'form:' .. ARGV[17])
    if equal then answer, match = redis.call('GET', stored .. equal), 'form' end
  end
  if answer then
    for _, limit in ipairs(requests) do keep(limit) end
    if key.tpm then conform(tokens[1], 0) end
    used()
    return {'hit', text, requests_state, key.tpm and state(tokens[1]) or '', answer, match}
  end
  if ARGV[15] == '1' then return {'uncached'} end
end
local leading = ARGV[16] == 'share' and tag .. ':leading:' .. key.project_id .. ':' .. ARGV[4] or nil
if leading and redis.call('EXISTS', leading) == 1 then
  for _, limit in ipairs(requests) do keep(limit) end
  if key.tpm then conform(tokens[1], 0) end
  used()
  return {'follow', text, requests_state, key.tpm and state(tokens[1]) or ''}
end

for _, limit in ipairs(tokens) do
  local excess = conform(limit, tonumber(ARGV[5]))
  if excess > 1e-6 then
    return {limit.kind, limit.limit, tonumber(ARGV[5]) > limit.limit and -1 or math.ceil(excess), limit.scope}
  end
end
local tokens_state = key.tpm and state(tokens[1]) or ''
for _, limit in ipairs(running) do
  if redis.call('ZCOUNT', limit.name, now, '+inf') >= limit.limit then return {limit.kind, limit.limit, limit.scope} end
end

-- Tells once in a window that a hard budget lets nothing more through.
local function exhausted(budget)
  if redis.call('HSETNX', budget.name, 'exhausted', 1) == 0 then return end
  redis.call('PEXPIREAT', budget.name, budget.expires)
  for _, percent in ipairs(budget.alerts) do
    if percent == 100 then
      local alert = {
        id = budget.id, scope = budget.scope, subject = budget.subject, window = budget.window, starts = budget.starts,
        percent = 100, limit = budget.limit, spent = redis.call('HGET', budget.name, 'spent') or '0', at = ARGV[1],
        org_id = key.org_id, hard = true,
      }
      redis.call('XADD', tag .. ':usage', '*', 'alert', cjson.encode(alert))
    end
  end
end

-- Counters are 64-bit integers changed by HINCRBY only; Lua's doubles merely compare them.
for _, budget in ipairs(budgets) do
  if budget.hard then
    local counters = redis.call('HMGET', budget.name, 'spent', 'held')
    local spent, held = tonumber(counters[1] or '0'), tonumber(counters[2] or '0')
    if spent + held + tonumber(ARGV[6]) > tonumber(budget.limit) then
      local alone = spent + tonumber(ARGV[6]) > tonumber(budget.limit)
      if alone then exhausted(budget) end
      return {'budget', budget.scope, alone and 'spent' or 'held', budget.window, budget.starts, budget.id}
    end
  end
end

local hold = {amount = ARGV[6], context = ARGV[8], key = text, leading = leading}
if leading then redis.call('SET', leading, ARGV[2], 'PX', LEADS) end
for _, limit in ipairs(requests) do keep(limit) end
for _, limit in ipairs(tokens) do
  keep(limit)
  limit.units, limit.kind, limit.scope = tonumber(ARGV[5]), nil, nil
end
for _, limit in ipairs(running) do
  redis.call('ZADD', limit.name, ARGV[7], ARGV[2])
  redis.call('PEXPIREAT', limit.name, ARGV[7])
end
for _, budget in ipairs(budgets) do
  redis.call('HINCRBY', budget.name, 'held', ARGV[6])
  redis.call('PEXPIREAT', budget.name, budget.expires)
end
if #tokens > 0 then hold.rates = tokens end
if #running > 0 then hold.running = running end
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
local answer = {'admitted', text, requests_state, tokens_state, health}
if ARGV[18] then answer[6] = redis.call('GET', tag .. ':sem:' .. key.project_id .. ':' .. ARGV[18]) or '' end
return answer
