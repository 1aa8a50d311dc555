"use strict";
/** What `serve` takes. What is wrong with it is said in the words of the Rust command. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.usage = exports.Refused = void 0;
exports.parse = parse;
const native_1 = require("./native");
/** Why it can't serve; its text is for stderr. */
class Refused extends Error {
}
exports.Refused = Refused;
const usage = (reason) => new Refused(`perilune: ${reason}; see --help`);
exports.usage = usage;
const LARGEST = 2n ** 64n - 1n;
const text = (given) => given;
const script = (given) => (given === '-' ? {} : { file: given });
function whole(given) {
    const number = /^\+?[0-9]+$/.test(given) ? BigInt(given.replace('+', '')) : LARGEST + 1n;
    if (number > LARGEST)
        throw new Error(`give a whole number from 0 to ${LARGEST}`);
    return number;
}
const count = (given) => Number(whole(given));
const size = (given) => native_1.native.parseBytes(given);
function positive(given, what) {
    const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given) ? Number(given) : 0;
    if (!(number > 0 && number < 2 ** 64))
        throw new Error(`give a number of ${what}`);
    return number;
}
const rate = (given) => positive(given, 'runs a second above 0');
function port(given) {
    if (!/^[0-9]{1,5}$/.test(given) || Number(given) > 65535)
        throw new Error('give a port from 0 to 65535');
    return Number(given);
}
function key(given) {
    if (/^@*$/.test(given))
        throw new Error('give a key, or @ and the name of a file with one in each line');
    return given.startsWith('@') ? { file: given.slice(1) } : { text: given };
}
function endpoint(given) {
    if (!/^[^/]+\/[^/]+$/.test(given))
        throw new Error('give an instance and a name, as in moonbase/hello');
    return given;
}
const LIMITS = [
    { name: 'timeout', value: '<MS>', read: count, help: 'Wall clock for one run, in milliseconds [default: 30000]' },
    { name: 'memory', value: '<BYTES>', read: size, help: 'Memory for one run: a number, or one with KiB, MiB or GiB behind it [default: 64MiB]' },
    { name: 'output', value: '<BYTES>', read: size, help: 'Captured stdout and stderr, each [default: 512KiB]' },
];
const COMMANDS = [
    {
        name: 'serve',
        about: "Serves the scripts DIR/INSTANCE/NAME.lua over HTTP, as Syncano's Script Endpoints, and keeps them as the files are; a line FILE:LINE: REASON on stderr for each that does not compile",
        exit: "0 it was told to end, by SIGINT or SIGTERM; 2 usage, or it can't serve: one line on stderr.",
        file: { value: '<DIR>', help: 'The folder of the scripts, with a folder for each instance' },
        options: [
            {
                name: 'key', value: '<KEY|@FILE>', read: key, isList: true,
                help: 'A key that requests must have, or @FILE to read them from a file, one in each line; can be repeated',
            },
            { name: 'host', value: '<HOST>', read: text, help: 'The address to listen at [default: 127.0.0.1]' },
            { name: 'port', value: '<PORT>', read: port, help: 'The port to listen at; 0 takes a free one [default: 8080]' },
            {
                name: 'public', value: '<INSTANCE/NAME>', read: endpoint, isList: true,
                help: 'A script that can be run without a key, at its public link; can be repeated',
            },
            { name: 'rate', value: '<N>', read: rate, help: 'Runs a second of each instance [default: no limit]' },
            { name: 'metrics-port', value: '<PORT>', read: port, help: 'Serves /metrics and /healthz at this port, without a key' },
            ...LIMITS,
        ],
    },
];
const label = (option) => (option.value === undefined ? `--${option.name}` : `--${option.name} ${option.value}`);
const fileLabel = ({ file }) => (file.isList ? `${file.value}...` : file.value);
/** How many letters two words differ in. */
function distance(a, b) {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
        const next = [i];
        for (let j = 1; j <= b.length; j++) {
            const [over, left, up] = [row[j - 1], next[j - 1], row[j]];
            next.push(Math.min(over + (a[i - 1] === b[j - 1] ? 0 : 1), left + 1, up + 1));
        }
        row = next;
    }
    return row[b.length];
}
function similar(what, given, known) {
    const found = known.find((name) => distance(given, name) <= Math.min(2, name.replace('--', '').length / 3));
    return found === undefined ? '' : `; tip: a similar ${what} exists: '${found}'`;
}
/** Lines of at most 100 characters. */
function wrap(given, indentation) {
    const lines = [''];
    for (const word of given.split(' ')) {
        const last = lines.at(-1);
        if (last && last.length + word.length + indentation.length >= 100)
            lines.push(word);
        else
            lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
    return lines.map((line) => indentation + line).join('\n');
}
function help(command) {
    if (!command) {
        const commands = COMMANDS.map(({ name, about }) => `  ${name}\n${wrap(about, '      ')}`);
        return [
            'Runs untrusted Luau scripts: a script and a request in, a trace out',
            'Usage: perilune <COMMAND>',
            `Commands:\n${commands.join('\n')}`,
            'Options:\n  -h, --help\n      Print help, also of a command\n  -V, --version\n      Print version\n',
        ].join('\n\n');
    }
    const options = command.options.map((option) => `  ${label(option)}\n${wrap(option.help, '      ')}`);
    return [
        wrap(command.about, ''),
        `Usage: perilune ${command.name} ${options.length > 0 ? '[OPTIONS] ' : ''}${fileLabel(command)}`,
        `Arguments:\n  ${fileLabel(command)}\n${wrap(command.file.help, '      ')}`,
        `Options:\n${[...options, '  -h, --help\n      Print help'].join('\n')}`,
        `${wrap(`Exit code: ${command.exit}`, '')}\n`,
    ].join('\n\n');
}
function value(option, given) {
    try {
        return option.read(given);
    }
    catch (error) {
        throw (0, exports.usage)(`invalid value '${given}' for '${label(option)}': ${error.message}`);
    }
}
/** What can follow an option as its value: what looks like another one only behind a `=`. */
const isValue = (given) => given !== undefined && (!given.startsWith('-') || /^-(\d+(\.\d*)?)?$/.test(given));
/** A command and what it was given, or a text to print. */
function parse(argv) {
    const names = COMMANDS.map(({ name }) => name);
    let [first, ...rest] = argv;
    if (first === 'help')
        [first, rest] = rest.length > 0 ? [rest[0], ['--help']] : ['--help', []];
    if (first === undefined) {
        throw (0, exports.usage)(`'perilune' requires a subcommand but one was not provided [subcommands: ${names.join(', ')}, help]`);
    }
    if (first === '-h' || first === '--help')
        return help(undefined);
    if (first === '-V' || first === '--version')
        return `perilune ${native_1.native.version}\n`;
    const command = COMMANDS.find(({ name }) => name === first);
    if (!command) {
        if (first.startsWith('-'))
            throw (0, exports.usage)(`unexpected argument '${first}' found`);
        throw (0, exports.usage)(`unrecognized subcommand '${first}'${similar('subcommand', first, names)}`);
    }
    const given = { files: [], key: [], public: [] };
    let areFiles = false;
    while (rest.length > 0) {
        const argument = rest.shift();
        if (!areFiles && argument === '--') {
            areFiles = true;
        }
        else if (areFiles || isValue(argument)) {
            if (!command.file.isList && given.files.length > 0)
                throw (0, exports.usage)(`unexpected argument '${argument}' found`);
            if (argument === '')
                throw (0, exports.usage)(`a value is required for '${fileLabel(command)}' but none was supplied`);
            given.files.push(script(argument));
        }
        else if (argument === '-h' || argument === '--help') {
            return help(command);
        }
        else {
            const [, name, own] = /^([^=]*)(?:=([^]*))?$/.exec(argument);
            const option = command.options.find((option) => `--${option.name}` === name);
            if (!option)
                throw (0, exports.usage)(`unexpected argument '${name}' found${similar('argument', name, command.options.map(({ name }) => `--${name}`))}`);
            const isFlag = option.value === undefined;
            if (isFlag && own !== undefined)
                throw (0, exports.usage)(`unexpected value '${own}' for '${label(option)}' found; no more were expected`);
            if (!isFlag && own === undefined && !isValue(rest[0]))
                throw (0, exports.usage)(`a value is required for '${label(option)}' but none was supplied`);
            const read = value(option, own ?? (isFlag ? '' : rest.shift()));
            if (option.isList) {
                ;
                given[option.name].push(read);
            }
            else if (option.name in given) {
                throw (0, exports.usage)(`the argument '${label(option)}' cannot be used multiple times`);
            }
            else {
                Object.assign(given, { [option.name]: read });
            }
        }
    }
    if (given.files.length === 0)
        throw (0, exports.usage)(`the following required arguments were not provided: ${fileLabel(command)}`);
    return [command, given];
}
