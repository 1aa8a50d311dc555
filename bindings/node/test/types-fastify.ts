// As types.ts, for the plugin.
import { fastify } from 'fastify'
import { Engine } from 'perilune'
import endpoints, { Endpoints, metrics, type EndpointsOptions } from 'perilune/fastify'

const engine = new Engine()
const links = new Map<string, string | undefined>([['moonbase/hello', undefined]])
const options: EndpointsOptions = { engine, keys: { moonbase: ['a', 'b'], seabase: 'c' }, public: links, rate: 2.5 }
const app = fastify()
app.register(endpoints, options)
app.register(endpoints, { engine, keys: new Set(['a']), public: ['moonbase/hello'], prefix: '/api' })
const own = new Endpoints(options)
app.register(endpoints, { endpoints: own, prefix: '/api' })
const link: string = own.publish('moonbase/hello', 'ab'.repeat(20))
own.unpublish('moonbase/hello')
const isCurrent: boolean = own.links.get('moonbase/hello') === link
app.register(metrics, { engine, prefix: '/internal' })

// @ts-expect-error: nobody could ask
app.register(endpoints, { engine })
// @ts-expect-error: a rate is a number
app.register(endpoints, { engine, keys: 'a', rate: '1' })
// @ts-expect-error: of which engine
app.register(metrics, {})
// @ts-expect-error: a link is a text
own.publish('moonbase/hello', 1)
