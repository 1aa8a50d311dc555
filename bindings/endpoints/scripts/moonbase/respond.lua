set_response{
    status = tonumber(ARGS.status or 201),
    content_type = ARGS.type or 'text/html; charset=utf-8',
    content = ARGS.content or '<b>Hello</b>',
    headers = json.decode(ARGS.headers or '{"X-Moon": "full"}'),
}
print('printed')
if ARGS.fail then error('after all') end
