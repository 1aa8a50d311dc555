// Names for errors. Luau says what a value is that can't be called or written to, and not where it came from; other Luas
// do. It is found in the code that is run, when an error is made: nothing is kept for it, and nothing costs time before.
#include "names.h"

#include "lualib.h"

#include "ldebug.h"
#include "ltable.h"
#include "ltm.h"

#include "Luau/BytecodeUtils.h"

#include <string.h>

namespace perilune
{
namespace
{

// The longest path that is shown, in bytes and in words.
const size_t kLongest = 100;
const int kMostWords = 8;

// Globals looked through for a table, so that an error takes no longer than others.
const int kMostGlobals = 1024;

struct Name
{
    const char* kind = nullptr;
    char path[kLongest] = "";

    // Whether it was one that can be shown: a word as in source code, and not too long.
    bool add(const TString* key)
    {
        const char* word = getstr(key);
        size_t length = key->len, before = strlen(path);
        if (length == 0 || before + length + 2 > kLongest)
            return false;
        for (size_t i = 0; i < length; ++i)
        {
            unsigned char c = word[i];
            if (c != '_' && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z'))
                return false;
        }
        if (before > 0)
            path[before++] = '.';
        memcpy(path + before, word, length + 1);
        return true;
    }
};

// Whether an instruction may set a register. What is not known here counts as if it did.
bool sets(Instruction insn, int reg)
{
    int a = LUAU_INSN_A(insn), b = LUAU_INSN_B(insn);
    LuauOpcode op = LuauOpcode(LUAU_INSN_OP(insn));
    switch (op)
    {
    case LOP_NOP:
    case LOP_BREAK:
    case LOP_SETGLOBAL:
    case LOP_SETUPVAL:
    case LOP_CLOSEUPVALS:
    case LOP_SETTABLE:
    case LOP_SETTABLEKS:
    case LOP_SETTABLEN:
    case LOP_SETLIST:
    case LOP_RETURN:
    case LOP_CAPTURE:
    case LOP_COVERAGE:
    case LOP_PREPVARARGS:
    case LOP_FASTCALL:
    case LOP_FASTCALL1:
    case LOP_FASTCALL2:
    case LOP_FASTCALL2K:
    case LOP_FASTCALL3:
        return false;
    case LOP_NAMECALL:
        return reg == a || reg == a + 1;
    case LOP_CALL:
    case LOP_FORGLOOP:
        return reg >= a;
    case LOP_GETVARARGS:
        return reg >= a && (b == 0 || reg < a + b - 1);
    case LOP_FORNPREP:
    case LOP_FORNLOOP:
    case LOP_FORGPREP:
    case LOP_FORGPREP_INEXT:
    case LOP_FORGPREP_NEXT:
        return reg >= a && reg <= a + 2;
    default:
        return !Luau::isJumpD(op) && op != LOP_JUMPX && reg == a;
    }
}

// The instruction that set a register last before the one at `end`; -1 when that depends on a branch.
int setter(const Proto* p, int end, int reg)
{
    int found = -1, joined = 0;
    for (int pc = 0; pc < end;)
    {
        Instruction insn = p->code[pc];
        LuauOpcode op = LuauOpcode(LUAU_INSN_OP(insn));
        int target = Luau::isFastCall(op) ? -1 : Luau::getJumpTarget(insn, pc);
        if (target <= end && target > joined)
            joined = target;
        if (sets(insn, reg))
            found = pc < joined ? -1 : pc;
        pc += Luau::getOpLength(op);
    }
    return found;
}

// Where the value in a temporary register came from, at the instruction at `end`. Of locals there are no names.
Name name_of(const Proto* p, int end, int reg, int words = kMostWords)
{
    Name name;
    int pc = setter(p, end, reg);
    if (pc < 0)
        return name;
    Instruction insn = p->code[pc];
    uint32_t aux = pc + 1 < p->sizecode ? p->code[pc + 1] : 0;
    switch (LUAU_INSN_OP(insn))
    {
    case LOP_GETGLOBAL:
        if (name.add(tsvalue(&p->k[aux])))
            name.kind = "global";
        break;
    case LOP_GETIMPORT:
    {
        int count = aux >> 30;
        auto part = [&](int i) { return tsvalue(&p->k[(aux >> (20 - 10 * i)) & 1023]); };
        bool is_g = count > 1 && strcmp(getstr(part(0)), "_G") == 0;
        bool fits = true;
        for (int i = is_g; i < count; ++i)
            fits = fits && name.add(part(i));
        if (fits)
            name.kind = count - is_g == 1 ? "global" : "field";
        break;
    }
    case LOP_GETTABLEKS:
        // A local stays when its field is read.
        if (int(LUAU_INSN_B(insn)) == reg && words > 1)
            name = name_of(p, pc, reg, words - 1);
        if (!name.kind)
            name = Name();
        if (strcmp(name.path, "_G") == 0)
        {
            name.path[0] = 0;
            name.kind = name.add(tsvalue(&p->k[aux])) ? "global" : nullptr;
            break;
        }
        name.kind = name.add(tsvalue(&p->k[aux])) ? "field" : nullptr;
        break;
    case LOP_NAMECALL:
        if (int(LUAU_INSN_A(insn)) == reg && name.add(tsvalue(&p->k[aux])))
            name.kind = "method";
        break;
    default:
        break;
    }
    return name;
}

// The instruction under way in the innermost function, if that is one of a script; -1 otherwise.
int current(lua_State* L)
{
    CallInfo* ci = L->ci;
    if (!isLua(ci))
        return -1;
    const Proto* p = ci_func(ci)->l.p;
    int within = pcRel(ci->savedpc, p);
    for (int pc = 0, next; pc < p->sizecode; pc = next)
    {
        next = pc + Luau::getOpLength(LuauOpcode(LUAU_INSN_OP(p->code[pc])));
        if (next > within)
            return pc;
    }
    return -1;
}

const TString* key_of(const LuaTable* in, const LuaTable* value)
{
    int size = sizenode(in);
    for (int i = 0; i < size && i < kMostGlobals; ++i)
    {
        const LuaNode* node = gnode(in, i);
        if (ttistable(gval(node)) && hvalue(gval(node)) == value && ttype(gkey(node)) == LUA_TSTRING)
            return tsvalue(gkey(node));
    }
    return nullptr;
}

} // namespace

void call_error(lua_State* L, const TValue* callee)
{
    int pc = current(L);
    if (pc >= 0)
    {
        const Proto* p = ci_func(L->ci)->l.p;
        Instruction insn = p->code[pc];
        int reg = LUAU_INSN_A(insn);
        if (LUAU_INSN_OP(insn) == LOP_CALL && L->base + reg == callee)
        {
            Name name = name_of(p, pc, reg);
            if (name.kind)
                luaG_runerror(L, "attempt to call a %s value (%s '%s')", luaT_objtypename(L, callee), name.kind, name.path);
        }
    }
    luaG_typeerror(L, callee, "call");
}

void method_error(lua_State* L, const TValue* object, const TString* method)
{
    const char* type = luaT_objtypename(L, object);
    int pc = current(L);
    if (pc >= 0)
    {
        const Proto* p = ci_func(L->ci)->l.p;
        Instruction insn = p->code[pc];
        Name name;
        if (LUAU_INSN_OP(insn) == LOP_NAMECALL)
            name = name_of(p, pc, LUAU_INSN_B(insn));
        if (name.kind)
            luaG_runerror(L, "attempt to call missing method '%s' of %s (%s '%s')", getstr(method), type, name.kind, name.path);
    }
    luaG_runerror(L, "attempt to call missing method '%s' of %s", getstr(method), type);
}

void readonly_error(lua_State* L)
{
    const TValue* table = L->base < L->top ? L->base : nullptr;
    CallInfo* script = L->ci;
    if (isLua(script))
    {
        int pc = current(L);
        Instruction insn = pc < 0 ? 0 : ci_func(script)->l.p->code[pc];
        LuauOpcode op = LuauOpcode(LUAU_INSN_OP(insn));
        bool is_set = op == LOP_SETTABLE || op == LOP_SETTABLEKS || op == LOP_SETTABLEN;
        table = is_set ? L->base + LUAU_INSN_B(insn) : nullptr;
    }
    while (script > L->base_ci && !isLua(script))
        --script;
    if (table && ttistable(table) && hvalue(table)->readonly)
    {
        const TString* name = key_of(L->gt, hvalue(table));
        if (!name && isLua(script))
            name = key_of(ci_func(script)->env, hvalue(table));
        Name shown;
        const char* format = "attempt to modify a readonly table (global '%s')";
        if (name && shown.add(name) && isLua(L->ci))
            luaG_runerror(L, format, shown.path);
        // In a function of the library: with the place of its call.
        if (name && shown.path[0])
            luaL_error(L, format, shown.path);
    }
    luaG_runerror(L, "attempt to modify a readonly table");
}

} // namespace perilune
