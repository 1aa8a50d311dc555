// The host of the tests: its argument is JSON of how it is to be.
import { createRequire } from 'node:module'

import { Engine } from '../../node/index.mjs'
import endpoints, { metrics } from '../../node/fastify.mjs'

const { fastify } = createRequire(new URL('../../node/', import.meta.url))('fastify')
const settings = JSON.parse(process.argv[2])
const { scripts, keys, rate, prefix, timeout_ms: timeout, request, parameters, pool_size: poolSize, queue_ms: queue } = settings
const limits = Object.entries({ timeout, request, parameters, poolSize, queue }).filter(([, value]) => value !== undefined)
const engine = new Engine(Object.fromEntries(limits))
engine.scripts.loadDir(scripts)

const app = fastify({ forceCloseConnections: true, frameworkErrors: (error, request, reply) => reply.code(404).send({ detail: 'Not found' }) })
await app.register(endpoints, { engine, keys, public: settings.public, rate, prefix })
await app.register(metrics, { engine, prefix: '/internal' })
app.setNotFoundHandler((request, reply) => reply.code(404).send({ detail: 'Not found' }))
await app.listen({ host: '127.0.0.1', port: 0 })
console.log(`http://127.0.0.1:${app.server.address().port}`)
process.once('SIGTERM', () => app.close().then(() => process.exit(0)))
