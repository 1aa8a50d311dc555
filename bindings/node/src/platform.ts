/**
 * The packages that may have the addon, such as `@perilune/linux-x64-gnu`. Which C library a Linux has shows when one is loaded: npm may
 * have installed both.
 */
export function platformPackages(platform: string, arch: string): string[] {
  const name = `@perilune/${platform}-${arch}`
  return platform === 'linux' ? [`${name}-gnu`, `${name}-musl`] : [name]
}
