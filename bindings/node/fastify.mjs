// One state for both kinds of modules, as of the package itself.
import plugins from './dist/fastify.js'

export default plugins.default
export const { Endpoints, metrics } = plugins
