/** `perilune serve`: a folder's scripts as Script Endpoints. */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'

import { type Engine } from './engine'
import { CompileError } from './errors'
import endpoints, { metrics, type EndpointsOptions } from './fastify'

/** Milliseconds in which requests under way may end when the server is told to. */
const GRACE = 1000

/** Public links by their scripts' names, kept in a file: they outlive the process. */
export class Links extends Map<string, string | undefined> {
  #stored: Record<string, string | undefined> = {}
  #path: string | undefined

  constructor(path: string, scripts: string[]) {
    super()
    try {
      this.#stored = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    if (typeof this.#stored !== 'object' || this.#stored === null || Array.isArray(this.#stored)) throw new TypeError('it is no JSON object')
    for (const script of scripts) super.set(script, this.#stored[script])
    this.#path = path
  }

  override set(script: string, link: string | undefined): this {
    super.set(script, link)
    // Those of scripts that aren't public now stay: they may be again.
    const stored = { ...this.#stored, ...Object.fromEntries(this) }
    const names = Object.keys(stored).filter((name) => stored[name]).sort()
    const path = `${this.#path}.${process.pid}`
    try {
      writeFileSync(path, `${JSON.stringify(Object.fromEntries(names.map((name) => [name, stored[name]])), null, 2)}\n`, { mode: 0o600, flag: 'wx' })
      renameSync(path, this.#path as string)
    } catch (error) {
      rmSync(path, { force: true })
      throw error
    }
    this.#stored = stored
    return this
  }
}

function url({ server }: FastifyInstance): string {
  const { address, port } = server.address() as AddressInfo
  return address.includes(':') ? `http://[${address}]:${port}` : `http://${address}:${port}`
}

const app = async (register: (app: FastifyInstance) => PromiseLike<unknown>): Promise<FastifyInstance> => {
  const made = fastify({ forceCloseConnections: 'idle' })
  await register(made)
  // Of a text Fastify would say which charset it has.
  return made.setNotFoundHandler((_, reply) => reply.code(404).type('application/json').send(Buffer.from('{"detail":"Not found"}')))
}

export const endpointsApp = (options: EndpointsOptions): Promise<FastifyInstance> => app((made) => made.register(endpoints, options))
export const metricsApp = (engine: Engine): Promise<FastifyInstance> => app((made) => made.register(metrics, { engine }))

/** Serves by apps that listen until it is told to end, by SIGINT or SIGTERM. The first is for requests, the second for the numbers to watch. */
export async function serve(
  engine: Engine, directory: string, apps: FastifyInstance[], print: (text: string) => void, complain: (reason: string) => void,
): Promise<void> {
  const watch = engine.watch(directory, ({ failed }) => {
    for (const { path, error } of failed) {
      complain(error instanceof CompileError ? `${path}:${error.line}: ${error.reason}` : `${path}: ${error.message}`)
    }
  })
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => resolve())
  })
  const texts = [`Serving ${directory} on `, 'Metrics on ']
  apps.forEach((app, at) => print(`${texts[at]}${url(app)}${at > 0 ? '/metrics' : ''}\n`))
  await stopped
  setTimeout(() => apps.forEach((app) => app.server.closeAllConnections()), GRACE).unref()
  await Promise.all(apps.map((app) => app.close()))
  watch.close()
}
