/**
 * The packages that may have the addon, such as `@perilune/linux-x64-gnu`. Which C library a Linux has shows when one is loaded: npm may
 * have installed both.
 */
export function platformPackages(platform: string, arch: string): string[] {
  const name = `@perilune/${platform}-${arch}`
  return platform === 'linux' ? [`${name}-gnu`, `${name}-musl`] : [name]
}

/** The addon of the first of them that a folder's modules can load. */
export function prebuilt(folder: string): string | undefined {
  for (const name of platformPackages(process.platform, process.arch)) {
    try {
      const addon = require.resolve(name, { paths: [folder] })
      require(addon)
      return addon
    } catch {
      // It is not there, or for another C library.
    }
  }
  return undefined
}
