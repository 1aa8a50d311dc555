// What Syncano's JavaScript library gets of a host: its arguments are where it is installed, the host's address and a key.
import { createRequire } from 'node:module'

const [installed, baseUrl, apiKey] = process.argv.slice(2)
const Syncano = createRequire(`${installed}/`)('syncano')
const instanceName = 'moonbase'
const connect = (apiKey) => Syncano({ baseUrl, apiKey })
const { ScriptEndpoint, ScriptEndpointTrace } = connect(apiKey)

const of = ({ status, result, duration, executed_at, links }) => [status, result, duration >= 0, new Date(executed_at).getFullYear() >= 2024, links?.self ?? null]
const run = (name, payload) => ScriptEndpoint.please().run({ instanceName, name }, payload)
// Its queries' own `then` takes no second function.
const refused = (query) => query.request().then(() => null, ({ status, message }) => [status, message])

const hello = await ScriptEndpoint.please().get({ instanceName, name: 'hello' })
const found = {
  'hello': [hello.name, hello.script, hello.public, hello.public_link.length],
  'run': of(await run('hello')),
  'run with a payload': of(await run('hello', { monster: 'Manticore' })),
  'run of an object': of(await hello.run({ monster: 'Manticore' })),
  'run public': of(await hello.runPublic({ monster: 'Manticore' })),
  'run public by the manager': of(await ScriptEndpoint.please().runPublic({ instanceName, name: 'hello', public_link: hello.public_link }, { monster: 'Manticore' })),
  'types': (await run('echo', { n: 1, list: [1, { a: null }], text: 'é' })).result,
  'fails': of(await run('fails')),
  'list': (await ScriptEndpoint.please().list({ instanceName })).map(({ name }) => name).sort(),
  'traces': (await ScriptEndpointTrace.please().list({ instanceName, scriptEndpointName: 'fails' })).map(({ result }) => result.stdout),
}
const [{ id }] = await ScriptEndpointTrace.please().list({ instanceName, scriptEndpointName: 'fails' })
found.trace = of(await ScriptEndpointTrace.please().get({ instanceName, scriptEndpointName: 'fails', id }))
found['another link'] = (await hello.reset()).public_link !== hello.public_link
found.gone = await refused(ScriptEndpoint.please().get({ instanceName, name: 'gone' }))
found['wrong key'] = await refused(connect('wrong').ScriptEndpoint.please().get({ instanceName, name: 'hello' }))
console.log(JSON.stringify(found))
