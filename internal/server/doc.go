// Package server answers the REST API (spec/api) over HTTP. It decides nothing about workflows or runs: each handler
// reads a request, asks the catalog, the engine or the store, and writes what they say as JSON.
//
// The API is laid out by area. Every area has one function that registers its routes (see routes.go) and files of its
// own. Handlers return errors instead of writing them; errors.go turns any error into the one body that clients know.
//
// A Server is an http.Handler and safe for concurrent use. It starts no goroutine that outlives a request.
package server
