import plugins from './dist/fastify.js'

declare const endpoints: typeof plugins.default
export default endpoints
export * from './dist/fastify.js'
