/** `perilune serve`: a folder's scripts as Script Endpoints. */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo } from 'node:net'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'

import { type Engine } from './engine'
import { CompileError, PeriluneError } from './errors'
import endpoints, { metrics, type EndpointsOptions } from './fastify'

/** Milliseconds in which requests under way may end when the server is told to. */
const GRACE = 1000

/** Public links by their scripts' names, kept in a file: they outlive the process. */
export class Links extends Map<string, string | undefined> {
  readonly #path: string

  constructor(path: string, scripts: string[]) {
    super()
    this.#path = path
    const stored = this.#stored()
    for (const script of scripts) super.set(script, stored[script])
  }

  #stored(): Record<string, string | undefined> {
    let stored: unknown
    try {
      stored = JSON.parse(readFileSync(this.#path, 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      stored = {}
    }
    if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) throw new TypeError('it is no JSON object')
    return stored as Record<string, string>
  }

  override set(script: string, link: string | undefined): this {
    try {
      // Others in the file stay: those of scripts that aren't public now may be again, and other processes write, too.
      this.#write({ ...this.#stored(), [script]: link })
    } catch (error) {
      throw new PeriluneError(`The public links can't be kept in ${this.#path}: ${(error as Error).message}`)
    }
    return super.set(script, link)
  }

  #write(links: Record<string, string | undefined>): void {
    const sorted = Object.fromEntries(Object.entries(links).sort(([a], [b]) => (a < b ? -1 : 1)))
    const path = `${this.#path}.${process.pid}`
    try {
      writeFileSync(path, `${JSON.stringify(sorted, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
      renameSync(path, this.#path)
    } catch (error) {
      rmSync(path, { force: true })
      throw error
    }
  }
}

function url({ server }: FastifyInstance): string {
  const { address, port } = server.address() as AddressInfo
  return address.includes(':') ? `http://[${address}]:${port}` : `http://${address}:${port}`
}

// Of a text Fastify would say which charset it has.
const notFound = (reply: FastifyReply) => reply.code(404).type('application/json').send(Buffer.from('{"detail":"Not found"}'))

const app = async (register: (app: FastifyInstance) => PromiseLike<unknown>): Promise<FastifyInstance> => {
  // What Fastify says of a path that can't be decoded has all of the address in it.
  const made = fastify({ forceCloseConnections: 'idle', frameworkErrors: (_, __, reply) => void notFound(reply as FastifyReply) })
  await register(made)
  return made.setNotFoundHandler((_, reply) => notFound(reply))
}

export const endpointsApp = (options: EndpointsOptions): Promise<FastifyInstance> => app((made) => made.register(endpoints, options))
export const metricsApp = (engine: Engine): Promise<FastifyInstance> => app((made) => made.register(metrics, { engine }))

/** Keeps the scripts as the files are, and tells of those that can't be put. */
export function watch(engine: Engine, directory: string, complain: (reason: string) => void): void {
  engine.watch(directory, ({ failed }) => {
    for (const { path, error } of failed) {
      complain(error instanceof CompileError ? `${path}:${error.line}: ${error.reason}` : `${path}: ${error.message}`)
    }
  })
}

/** Serves by apps that listen until it is told to end, by SIGINT or SIGTERM. The first is for requests, the second for the numbers to watch. */
export async function serve(directory: string, apps: FastifyInstance[], print: (text: string) => void): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => resolve())
  })
  const texts = [`Serving ${directory} on `, 'Metrics on ']
  apps.forEach((app, at) => print(`${texts[at]}${url(app)}${at > 0 ? '/metrics' : ''}\n`))
  await stopped
  setTimeout(() => apps.forEach((app) => app.server.closeAllConnections()), GRACE).unref()
  await Promise.all(apps.map((app) => app.close()))
}
