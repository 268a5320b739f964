// Package api is what the REST API says about failure: the closed set of codes a client can see, and the error that
// carries one from wherever a request is refused to the server that answers it.
//
// It knows no HTTP beyond the numbers of statuses, no JSON, and none of the packages that refuse requests.
package api
