#!lua
--[[
Moves one entry that cannot be stored to the lane's dead letters, byte for byte: there it can be replayed from, while the
table in Postgres holds only what a person can read.

KEYS[1]  orders        stream  {lane:L}:orders
KEYS[2]  dead letters  stream  {lane:L}:dead-letters

ARGV[1]  group
ARGV[2]  entry id
ARGV[3]  reason

Returns 1, or 0 when somebody else has acknowledged the entry before; then nothing changes.
]]
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
redis.call('XADD', KEYS[2], '*', 'reason', ARGV[3], 'entry', ARGV[2], unpack(entry and entry[2] or {}))
return 1
