-- Journals the usage event of a call that held nothing, and shows it to whoever watches the organization's calls.
--
-- KEYS[1] {org_ref}:usage, the journal   ARGV 1 usage event (JSON)
--
-- Answers the journal entry's id.
local entry = redis.call('XADD', KEYS[1], '*', 'event', ARGV[1])
local tag = string.match(KEYS[1], '^{[^}]+}')
if redis.call('EXISTS', tag .. ':watched') == 1 then
  redis.pcall('XADD', tag .. ':live', 'MAXLEN', '~', 1000, '*', 'event', ARGV[1])
  redis.pcall('PEXPIRE', tag .. ':live', 300000)
end
return entry
