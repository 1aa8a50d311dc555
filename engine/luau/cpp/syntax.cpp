// Luau's parser and lexer, and what they find as plain lists.
#include "syntax.h"

#include "perilune-luau/src/syntax.rs.h"

#include "Luau/Lexer.h"
#include "Luau/Parser.h"

#include <algorithm>
#include <string>
#include <vector>

namespace perilune::syntax
{

namespace
{

// Where in the source a line and a column are.
class Places
{
public:
    Places(const char* text, size_t size)
        : size(uint32_t(size))
    {
        starts.push_back(0);
        for (size_t at = 0; at < size; ++at)
            if (text[at] == '\n')
                starts.push_back(uint32_t(at + 1));
    }

    // A place that is missing counts as the end.
    uint32_t offset(const Luau::Position& position) const
    {
        return position.line < starts.size() ? std::min(size, starts[position.line] + position.column) : size;
    }

private:
    uint32_t size;
    std::vector<uint32_t> starts;
};

// Lists what runs: types, and functions of types, do not.
class Lister : public Luau::AstVisitor
{
public:
    Lister(const Places& places, rust::Vec<Node>& nodes)
        : places(places)
        , nodes(nodes)
    {
    }

    bool visit(Luau::AstNode*) override { return false; }

    bool visit(Luau::AstExprGroup* node) override { return list(node, Kind::Group); }
    bool visit(Luau::AstExprConstantNil* node) override { return list(node, Kind::Nil); }
    bool visit(Luau::AstExprConstantBool* node) override { return list(node, Kind::Bool); }
    bool visit(Luau::AstExprConstantNumber* node) override { return list(node, Kind::Number); }
    bool visit(Luau::AstExprConstantInteger* node) override { return list(node, Kind::Number); }
    bool visit(Luau::AstExprLocal* node) override { return list(node, Kind::Local); }
    bool visit(Luau::AstExprGlobal* node) override { return list(node, Kind::Global); }
    bool visit(Luau::AstExprVarargs* node) override { return list(node, Kind::Varargs); }
    bool visit(Luau::AstExprCall* node) override { return list(node, Kind::Call); }
    bool visit(Luau::AstExprIndexExpr* node) override { return list(node, Kind::Index); }
    bool visit(Luau::AstExprTable* node) override { return list(node, Kind::Table); }
    bool visit(Luau::AstExprTypeAssertion* node) override { return list(node, Kind::Cast); }
    bool visit(Luau::AstExprIfElse* node) override { return list(node, Kind::IfElse); }
    bool visit(Luau::AstExprInterpString* node) override { return list(node, Kind::Interpolated); }
    bool visit(Luau::AstExprInstantiate* node) override { return list(node, Kind::Cast); }
    bool visit(Luau::AstExprError* node) override { return list(node, Kind::Error); }

    bool visit(Luau::AstExprConstantString* node) override
    {
        return list(node, node->quoteStyle == Luau::AstExprConstantString::QuoteStyle::Unquoted ? Kind::Key : Kind::String);
    }

    bool visit(Luau::AstExprIndexName* node) override
    {
        return list(node, node->op == ':' ? Kind::Method : Kind::Field);
    }

    bool visit(Luau::AstExprUnary* node) override
    {
        return list(node, node->op == Luau::AstExprUnary::Op::Not ? Kind::Not : Kind::Unary);
    }

    bool visit(Luau::AstExprBinary* node) override
    {
        switch (node->op)
        {
        case Luau::AstExprBinary::And:
            return list(node, Kind::And);
        case Luau::AstExprBinary::Or:
            return list(node, Kind::Or);
        case Luau::AstExprBinary::CompareEq:
        case Luau::AstExprBinary::CompareNe:
            return list(node, Kind::Equal);
        case Luau::AstExprBinary::Div:
            return list(node, Kind::Divide);
        case Luau::AstExprBinary::Pow:
            return list(node, Kind::Power);
        case Luau::AstExprBinary::Concat:
            return list(node, Kind::Concat);
        default:
            return list(node, Kind::Binary);
        }
    }

    bool visit(Luau::AstExprFunction* node) override
    {
        if (!enters(node))
            return list(node, Kind::Function);
        bind(node->args);
        return true;
    }

    bool visit(Luau::AstStatBlock* node) override { return list(node, Kind::Block); }
    bool visit(Luau::AstStatIf* node) override { return list(node, Kind::If); }
    bool visit(Luau::AstStatWhile* node) override { return list(node, Kind::While); }
    bool visit(Luau::AstStatRepeat* node) override { return list(node, Kind::Repeat); }
    bool visit(Luau::AstStatBreak* node) override { return list(node, Kind::Jump); }
    bool visit(Luau::AstStatContinue* node) override { return list(node, Kind::Jump); }
    bool visit(Luau::AstStatReturn* node) override { return list(node, Kind::Return); }
    bool visit(Luau::AstStatExpr* node) override { return list(node, Kind::CallStatement); }
    bool visit(Luau::AstStatError* node) override { return list(node, Kind::Error); }

    bool visit(Luau::AstStatLocal* node) override
    {
        if (!enters(node))
            return list(node, Kind::LocalStatement);
        bind(node->vars);
        return true;
    }

    bool visit(Luau::AstStatFor* node) override
    {
        if (!enters(node))
            return list(node, Kind::For);
        leaf(Kind::Binding, node->var->location);
        return true;
    }

    bool visit(Luau::AstStatForIn* node) override
    {
        if (!enters(node))
            return list(node, Kind::For);
        bind(node->vars);
        return true;
    }

    bool visit(Luau::AstStatLocalFunction* node) override
    {
        if (!enters(node))
            return list(node, Kind::LocalFunction);
        leaf(Kind::Binding, node->name->location);
        return true;
    }

    bool visit(Luau::AstStatFunction* node) override
    {
        if (!enters(node))
            return list(node, Kind::FunctionStatement);
        targets(Luau::AstArray<Luau::AstExpr*>{&node->name, 1});
        node->func->visit(this);
        return false;
    }

    bool visit(Luau::AstStatAssign* node) override
    {
        if (!enters(node))
            return list(node, Kind::Assign);
        targets(node->vars);
        for (Luau::AstExpr* value : node->values)
            value->visit(this);
        return false;
    }

    bool visit(Luau::AstStatCompoundAssign* node) override
    {
        if (!enters(node))
            return list(node, Kind::CompoundAssign);
        targets(Luau::AstArray<Luau::AstExpr*>{&node->var, 1});
        node->value->visit(this);
        return false;
    }

private:
    // A node is visited twice, the second time by `list`, for what is in it.
    bool enters(Luau::AstNode* node)
    {
        bool is_second = node == entered;
        entered = nullptr;
        return is_second;
    }

    bool list(Luau::AstNode* node, Kind kind)
    {
        if (enters(node))
            return true;
        uint32_t outer = open(kind, node->location);
        entered = node;
        node->visit(this);
        entered = nullptr;
        close(outer);
        return false;
    }

    void targets(const Luau::AstArray<Luau::AstExpr*>& expressions)
    {
        uint32_t outer = open(Kind::Targets, Luau::getLocation(expressions));
        for (Luau::AstExpr* target : expressions)
            target->visit(this);
        close(outer);
    }

    void bind(const Luau::AstArray<Luau::AstLocal*>& locals)
    {
        for (Luau::AstLocal* local : locals)
            leaf(Kind::Binding, local->location);
    }

    void leaf(Kind kind, const Luau::Location& location)
    {
        close(open(kind, location));
    }

    // Returns what is to be given to `close`.
    uint32_t open(Kind kind, const Luau::Location& location)
    {
        uint32_t outer = parent;
        uint32_t at = uint32_t(nodes.size());
        nodes.push_back(Node{kind, outer, at + 1, places.offset(location.begin), places.offset(location.end)});
        parent = at;
        return outer;
    }

    void close(uint32_t outer)
    {
        nodes[parent].next = uint32_t(nodes.size());
        parent = outer;
    }

    const Places& places;
    rust::Vec<Node>& nodes;
    uint32_t parent = 0;
    Luau::AstNode* entered = nullptr;
};

} // namespace

Tree parse(rust::Slice<const uint8_t> source)
{
    const char* text = reinterpret_cast<const char*>(source.data());
    Luau::Allocator allocator;
    Luau::AstNameTable names(allocator);
    Luau::ParseResult result = Luau::Parser::parse(text, source.size(), names, allocator);

    Places places(text, source.size());
    Tree tree;
    if (result.root)
    {
        Lister lister(places, tree.nodes);
        result.root->visit(&lister);
    }
    for (const Luau::ParseError& error : result.errors)
    {
        const Luau::Location& location = error.getLocation();
        tree.errors.push_back(
            SyntaxError{places.offset(location.begin), places.offset(location.end), rust::String::lossy(error.getMessage())});
    }
    return tree;
}

rust::Vec<Token> tokens(rust::Slice<const uint8_t> source)
{
    const char* text = reinterpret_cast<const char*>(source.data());
    Luau::Allocator allocator;
    Luau::AstNameTable names(allocator);
    Luau::Lexer lexer(text, source.size(), names);
    lexer.setSkipComments(true);
    lexer.setReadNames(false);

    Places places(text, source.size());
    rust::Vec<Token> tokens;
    do
    {
        lexer.next();
        const Luau::Position& begin = lexer.current().location.begin;
        tokens.push_back(Token{places.offset(begin), lexer.getOffset(), begin.line + 1});
    } while (lexer.current().type != Luau::Lexeme::Eof);
    return tokens;
}

} // namespace perilune::syntax
