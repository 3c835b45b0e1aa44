"""HTTP without a word of the product: connections, routes, requests, bodies, parameters, pages, refusals."""
