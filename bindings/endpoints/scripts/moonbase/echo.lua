return { get = GET, post = POST }
