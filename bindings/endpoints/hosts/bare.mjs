// What the load is compared with: hello by nothing but Fastify.
import { createRequire } from 'node:module'

const { fastify } = createRequire(new URL('../../node/', import.meta.url))('fastify')
const app = fastify({ forceCloseConnections: true })
app.get('/hello', async (request) => ({ hello: request.query.monster }))
await app.listen({ host: '127.0.0.1', port: 0 })
console.log(`http://127.0.0.1:${app.server.address().port}`)
process.once('SIGTERM', () => app.close().then(() => process.exit(0)))
