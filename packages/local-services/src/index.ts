export { askRedis, type RedisReply } from './ask-redis.ts'
export { type FindRedisOptions, findRedisServer } from './find-redis-server.ts'
export { freePort } from './free-port.ts'
export { type RedisOptions, type RedisServer, startRedis } from './start-redis.ts'
