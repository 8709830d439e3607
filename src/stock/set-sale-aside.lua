#!lua
--[[
Takes a sale that Postgres does not know out of a lane that is being rebuilt. Nothing is deleted: its buyers may be all that
is left of orders that a Postgres has forgotten for good, and a person may want to look.

KEYS[1]  lane          hash  {lane:L}:state
KEYS[2]  sale          hash  {lane:L}:sale:<saleId>
KEYS[3]  buyers        hash  {lane:L}:sale:<saleId>:buyers
KEYS[4]  sale aside    hash  {lane:L}:aside:<saleId>
KEYS[5]  buyers aside  hash  {lane:L}:aside:<saleId>:buyers

ARGV[1]  guard token under which the lane was closed
ARGV[2]  run id of the Redis that was closed

Returns
  WRITTEN  the sale is not in the lane any more
  REFUSED  the lane is not closed, or under another token, or this is another Redis; nothing changed
]]
-- include is-being-rebuilt.lua
if not is_being_rebuilt(KEYS[1], ARGV[1], ARGV[2]) then return 'REFUSED' end

if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[4]) end
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('RENAME', KEYS[3], KEYS[5]) end
return 'WRITTEN'
