import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The packages that may have the addon, such as `@perilune/linux-x64-gnu`. Which C library a Linux has shows when one is loaded: npm may
 * have installed both.
 */
function platformPackages(platform: string, arch: string): string[] {
  const name = `@perilune/${platform}-${arch}`
  return platform === 'linux' ? [`${name}-gnu`, `${name}-musl`] : [name]
}

/** The addon of the first of them that a folder's modules can load; `tried` gets why others can't be. */
export function prebuilt(folder: string, tried: unknown[] = []): string | undefined {
  for (const name of platformPackages(process.platform, process.arch)) {
    try {
      const addon = require.resolve(name, { paths: [folder] })
      require(addon)
      return addon
    } catch (error) {
      // It is not there, or for another C library.
      tried.push(error)
    }
  }
  return undefined
}

/** The addon of this package, in whose folder: the one that was built when it was installed, or that of a platform package. */
export function addonOf(folder: string, tried?: unknown[]): string | undefined {
  const built = join(folder, 'build', 'perilune.node')
  return existsSync(built) ? built : prebuilt(folder, tried)
}

/** The command, which is beside the addon; undefined where it is not there. */
export function commandOf(folder: string): string | undefined {
  const addon = addonOf(folder)
  const command = addon && join(dirname(addon), 'perilune')
  return command && existsSync(command) ? command : undefined
}
