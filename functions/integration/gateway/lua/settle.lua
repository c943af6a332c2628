-- Ends a call: journals its usage event, charges what it cost, stores its answer and releases its hold.
-- A second settlement of the same call has no effect.
--
-- KEYS[1] {org_ref}:hold:<id>   KEYS[2] {org_ref}:holds   KEYS[3] {org_ref}:usage, the journal
-- KEYS[4] {org_ref}:cache:<project>:<digest>
-- ARGV    1 id of the hold   2 cost (pico-dollars)   3 tokens used   4 usage event (JSON), '' for a call never made
--         5 now (ms)         6 answer to store, '' for none   7 its time to live (ms)
--         8 digest of calls of the same form, which it answers too, '' for none
-- and of a call whose answer may do for those that mean the same:
--         9 digest of its bucket   10 signs of its message's vector, '' when there is none   11 that vector
--         12 its wording (JSON)   13 digest of the message   14 id of the entry that it matched, '' for none
--
-- Answers the journal entry's id, '' when nothing was journaled, or false when the call was settled before. When that set
-- off alerts, their entries' ids and texts come behind it: {entry, {id, text}, ...}.
local MOST_ENTRIES, MOST_MET = 256, 32
local text = redis.call('GET', KEYS[1])
if not text then return false end
local hold = cjson.decode(text)
local tag = string.match(KEYS[2], '^{[^}]+}')
local answer = {''}
-- What could fail comes first, so that a failure leaves the hold to the sweeper.
if ARGV[4] ~= '' then
  answer[1] = redis.call('XADD', KEYS[3], '*', 'event', ARGV[4])
  -- Only while somebody watches (integration.live), whose fault must not keep a call from being settled: as in journal.lua.
  if redis.call('EXISTS', tag .. ':watched') == 1 then
    redis.pcall('XADD', tag .. ':live', 'MAXLEN', '~', 1000, '*', 'event', ARGV[4])
    redis.pcall('PEXPIRE', tag .. ':live', 300000)
  end
end
for _, budget in ipairs(hold.budgets or {}) do
  if type(budget) == 'string' then budget = {name = budget, alerts = {}} end -- held before a deployment
  local spent = redis.call('HINCRBY', budget.name, 'spent', ARGV[2])
  if hold.amount ~= '0' then redis.call('HINCRBY', budget.name, 'held', '-' .. hold.amount) end
  -- Of a budget that counts each subject by itself: who has spent how much.
  if budget.index and redis.call('ZADD', tag .. budget.index, spent, budget.subject) == 1 then
    redis.call('PEXPIREAT', tag .. budget.index, budget.expires)
  end
  for _, percent in ipairs(budget.alerts) do
    local threshold = tonumber(budget.limit) * percent / 100
    local crossed = spent - tonumber(ARGV[2]) < threshold and spent >= threshold
    if crossed and percent == 100 then crossed = redis.call('HSETNX', budget.name, 'exhausted', 1) == 1 end
    if crossed then
      local alert = cjson.encode({
        id = budget.id, scope = budget.scope, subject = budget.subject, window = budget.window, starts = budget.starts,
        percent = percent, limit = budget.limit, spent = string.format('%d', spent), at = ARGV[5], hard = budget.hard,
        org_id = cjson.decode(hold.key).org_id,
      })
      answer[#answer + 1] = {redis.call('XADD', KEYS[3], '*', 'alert', alert), alert}
    end
  end
end
for _, limit in ipairs(hold.running or {}) do redis.call('ZREM', limit.name, ARGV[1]) end
if hold.leading and redis.call('GET', hold.leading) == ARGV[1] then redis.call('DEL', hold.leading) end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if ARGV[6] ~= '' then
  redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[7])
  if ARGV[8] ~= '' then
    local project, digest = string.match(KEYS[4], '^(.*:)([^:]+)$')
    redis.call('SET', project .. 'form:' .. ARGV[8], digest, 'PX', ARGV[7])
  end
end
if ARGV[9] then
  local project, digest = string.match(KEYS[4], ':cache:([^:]+):([^:]+)$')
  local similar = tag .. ':sem:' .. project .. ':'
  if ARGV[14] ~= '' then
    -- Whom an entry was matched with is remembered for those who tell the two apart; of an entry that is gone, nothing is.
    local entry = similar .. 'e:' .. ARGV[14]
    local met = redis.call('HGET', entry, 'met')
    if met and not string.find(met, ARGV[13], 1, true) then
      redis.call('HSET', entry, 'met', string.sub(ARGV[13] .. met, 1, MOST_MET * #ARGV[13]))
    end
  end
  if ARGV[6] ~= '' and ARGV[10] ~= '' then
    local function hex(bytes)
      return (string.gsub(bytes, '.', function(byte) return string.format('%02x', string.byte(byte)) end))
    end
    local function named(id) return similar .. 'e:' .. hex(id) end
    local id = string.gsub(string.gsub(ARGV[1], '-', ''), '..', function(hex) return string.char(tonumber(hex, 16)) end)
    local entry, bucket = named(id), similar .. ARGV[9]
    local record, rest = id .. ARGV[10], redis.call('GET', bucket) or ''
    if #rest % #record ~= 0 then rest = '' end -- of a model that gave vectors of another size
    -- A message has one entry in a bucket: several would keep others from being looked at.
    local same, met = similar .. 'of:' .. ARGV[9] .. ':' .. hex(ARGV[13]), ''
    local earlier = redis.call('GET', same)
    if earlier then
      met = redis.call('HGET', named(earlier), 'met') or ''
      redis.call('DEL', named(earlier))
      for start = 1, #rest, #record do
        if string.sub(rest, start, start + #id - 1) == earlier then
          rest = string.sub(rest, 1, start - 1) .. string.sub(rest, start + #record)
          break
        end
      end
    end
    redis.call('SET', same, id, 'PX', ARGV[7])
    redis.call('HSET', entry, 'vector', ARGV[11], 'wording', ARGV[12], 'message', ARGV[13], 'answer', digest,
      'bucket', ARGV[9], 'met', met)
    redis.call('PEXPIRE', entry, ARGV[7])
    local kept = (MOST_ENTRIES - 1) * #record
    for start = kept + 1, #rest, #record do redis.call('DEL', named(string.sub(rest, start, start + #id - 1))) end
    local lives = math.max(redis.call('PTTL', bucket), tonumber(ARGV[7]))
    redis.call('SET', bucket, record .. string.sub(rest, 1, kept), 'PX', lives)
  end
end

-- Rate limits are corrected to what was used. What has drained since the reservation is not given back: other calls may
-- have taken its place.
local now = tonumber(ARGV[5])
for _, rate in ipairs(hold.rates or {}) do
  local change = (tonumber(ARGV[3]) - rate.units) * rate.period / rate.limit
  if change < 0 then
    local reserved = rate.units * rate.period / rate.limit
    local undrained = math.max(0, rate.arrival - math.max(now, rate.arrival - reserved))
    change = -math.min(-change, undrained)
  end
  local arrival = math.max(tonumber(redis.call('GET', rate.name) or '0'), now) + change
  if arrival > now then
    redis.call('SET', rate.name, string.format('%.3f', arrival), 'PX', math.ceil(arrival - now))
  else
    redis.call('DEL', rate.name)
  end
end
if #answer == 1 then return answer[1] end
return answer
