// Package kube speaks to the API of a Kubernetes cluster: it finds the way in (kubeconfig, the cluster this runs in, a
// plain URL), and creates, reads, lists, watches and deletes pods and reads their logs. It knows of pods only what
// their owner must know, keeps no cache and starts no goroutine: caching and patience are for those who use it.
//
// Nothing here retries, but for one repeat with fresh credentials after a 401. An [Error] says whether trying again
// later makes sense and when ([Temporary], [RetryAfter]). A server that lies, stalls or never stops talking costs
// bounded time and memory: every answer has limits on both.
//
// A Client is safe for concurrent use. Why this is not client-go: docs/decisions/0005-kubernetes-client.md.
package kube
