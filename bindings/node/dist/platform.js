"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.platformPackages = platformPackages;
/**
 * The packages that may have the addon, such as `@perilune/linux-x64-gnu`. Which C library a Linux has shows when one is loaded: npm may
 * have installed both.
 */
function platformPackages(platform, arch) {
    const name = `@perilune/${platform}-${arch}`;
    return platform === 'linux' ? [`${name}-gnu`, `${name}-musl`] : [name];
}
