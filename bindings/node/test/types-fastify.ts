// As types.ts, for the plugin.
import { fastify } from 'fastify'
import { Engine } from 'perilune'
import endpoints, { metrics, type EndpointsOptions } from 'perilune/fastify'

const engine = new Engine()
const links = new Map<string, string | undefined>([['moonbase/hello', undefined]])
const options: EndpointsOptions = { engine, keys: { moonbase: ['a', 'b'], seabase: 'c' }, public: links, rate: 2.5 }
const app = fastify()
app.register(endpoints, options)
app.register(endpoints, { engine, keys: new Set(['a']), public: ['moonbase/hello'], prefix: '/api' })
app.register(metrics, { engine, prefix: '/internal' })

// @ts-expect-error: nobody could ask
app.register(endpoints, { engine })
// @ts-expect-error: a rate is a number
app.register(endpoints, { engine, keys: 'a', rate: '1' })
// @ts-expect-error: of which engine
app.register(metrics, {})
