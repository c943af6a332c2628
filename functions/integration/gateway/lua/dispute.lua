-- Takes an entry out of its bucket, and sets its message apart from all that it was matched with.
--
-- KEYS[1] {org_ref}:sem:<project>:e:<id>   ARGV 1 the id (16 bytes)   2 for how long (ms)
--
-- Answers 1, or 0 when there is no such entry.
local found = redis.call('HMGET', KEYS[1], 'message', 'met', 'bucket')
local message, met = found[1], found[2]
if not message then return 0 end
local similar = string.match(KEYS[1], '^(.*:)e:[^:]+$')
local function apart(one, other)
  local hex = string.gsub(one, '.', function(byte) return string.format('%02x', string.byte(byte)) end)
  redis.call('SADD', similar .. 'apart:' .. hex, other)
  redis.call('PEXPIRE', similar .. 'apart:' .. hex, ARGV[2])
end
for start = 1, #met, #message do
  local other = string.sub(met, start, start + #message - 1)
  apart(message, other)
  apart(other, message)
end
local bucket = similar .. found[3]
local records = redis.call('GET', bucket)
local width = #ARGV[1] + math.ceil(redis.call('HSTRLEN', KEYS[1], 'vector') / 8)
for start = 1, records and #records or 0, width do
  if string.sub(records, start, start + #ARGV[1] - 1) == ARGV[1] then
    redis.call('SET', bucket, string.sub(records, 1, start - 1) .. string.sub(records, start + width), 'KEEPTTL')
    break
  end
end
redis.call('DEL', KEYS[1])
return 1
