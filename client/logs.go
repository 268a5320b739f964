package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// LogRequest selects what to read of a step's output.
type LogRequest struct {
	Stream string // "stdout", which is the default, or "stderr"
	Follow bool   // go on until the attempt has ended
}

// Logs returns the output of an attempt of a step, the newest one where ref names none. The caller closes it; with
// Follow, reading blocks until there is more.
func (c *Client) Logs(ctx context.Context, ref StepRef, r LogRequest) (io.ReadCloser, error) {
	if ref.Run == 0 || ref.Attempt == 0 {
		attempt, err := c.Step(ctx, ref, false)
		if err != nil {
			return nil, err
		}
		ref.Run, ref.Attempt = attempt.Run, attempt.Attempt
	}
	q := url.Values{"stream": {"stdout"}}
	if r.Stream != "" {
		q.Set("stream", r.Stream)
	}
	if r.Follow {
		q.Set("follow", "true")
	}
	p := ref.run("steps", ref.Step, "attempts", itoa(ref.Attempt), "logs")
	resp, err := c.send(ctx, request{method: http.MethodGet, path: p, query: q}, "text/plain, */*")
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}
