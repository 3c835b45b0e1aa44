"""HTTP, without any noun of the product: connections, routes, requests, bodies, parameters, pages, errors."""
