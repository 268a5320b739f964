package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

func podsPath(namespace string) string {
	return "api/v1/namespaces/" + url.PathEscape(namespace) + "/pods"
}

func podPath(namespace, name string) string { return podsPath(namespace) + "/" + url.PathEscape(name) }

// CreatePod makes a pod and returns it as the server has it.
func (c *Client) CreatePod(ctx context.Context, namespace string, m *Manifest) (*Pod, error) {
	p := &Pod{}
	if err := c.do(ctx, http.MethodPost, podsPath(namespace), nil, m, p); err != nil {
		return nil, err
	}
	return p, p.check(m.Metadata.Name)
}

// Pod reads a pod.
func (c *Client) Pod(ctx context.Context, namespace, name string) (*Pod, error) {
	p := &Pod{}
	if err := c.do(ctx, http.MethodGet, podPath(namespace, name), nil, nil, p); err != nil {
		return nil, err
	}
	return p, p.check(name)
}

// check refuses an answer that is JSON, but no pod, as from a proxy that says 200 to everything.
func (p *Pod) check(name string) error {
	if p.Metadata.Name != name {
		return fmt.Errorf("the server answered with pod %q instead of %q", p.Metadata.Name, name)
	}
	return nil
}

// DeletePod asks for the end of a pod: of the one with this uid, if it is not empty. Grace is how long its containers
// may take to end; negative leaves it to the pod, 0 does not wait for the node to say that they have.
func (c *Client) DeletePod(ctx context.Context, namespace, name, uid string, grace time.Duration) error {
	type preconditions struct {
		UID string `json:"uid"`
	}
	options := struct {
		APIVersion         string         `json:"apiVersion"`
		Kind               string         `json:"kind"`
		GracePeriodSeconds *int64         `json:"gracePeriodSeconds,omitempty"`
		Preconditions      *preconditions `json:"preconditions,omitempty"`
	}{APIVersion: "v1", Kind: "DeleteOptions"}
	if grace >= 0 {
		n := int64(grace / time.Second)
		options.GracePeriodSeconds = &n
	}
	if uid != "" {
		options.Preconditions = &preconditions{uid}
	}
	return c.do(ctx, http.MethodDelete, podPath(namespace, name), nil, options, nil)
}

const pageSize = 250

// ListPods calls each for every pod that the selectors (which may be empty) choose, page by page, and returns the
// version of the list, from which a watch can go on.
func (c *Client) ListPods(ctx context.Context, namespace, labels, fields string, each func(*Pod)) (version string, err error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	set(query, "labelSelector", labels)
	set(query, "fieldSelector", fields)
	for {
		list, err := c.page(ctx, namespace, query)
		if err != nil {
			return "", err
		}
		for i := range list.Items {
			each(&list.Items[i])
		}
		if version == "" {
			version = list.Metadata.ResourceVersion
		}
		if list.Metadata.Continue == "" || query.Get("continue") == list.Metadata.Continue {
			return version, nil
		}
		query.Set("continue", list.Metadata.Continue)
	}
}

type podList struct {
	Kind     string `json:"kind"`
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
		Continue        string `json:"continue"`
	} `json:"metadata"`
	Items []Pod `json:"items"`
}

func (c *Client) page(ctx context.Context, namespace string, query url.Values) (*podList, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*requestTime)
	defer cancel()
	resp, err := c.send(ctx, http.MethodGet, podsPath(namespace), query, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	list := &podList{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxPage)).Decode(list); err != nil {
		return nil, fmt.Errorf("list pods in %s: the answer cannot be read: %w", namespace, err)
	}
	if list.Kind != "PodList" { // else an empty answer would look like a cluster without pods
		return nil, fmt.Errorf("list pods in %s: the server answered with %q instead of a PodList", namespace, list.Kind)
	}
	return list, nil
}

func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

// LogOptions choose a part of a log.
type LogOptions struct {
	Container string
	Follow    bool // go on until the container ends
	TailLines int  // from so many lines before the end; 0: from the start
	Previous  bool // of the container before it was begun again
}

// PodLog opens the log of a pod. The stream ends with ctx; with Follow there may be nothing to read for a long time.
func (c *Client) PodLog(ctx context.Context, namespace, name string, o LogOptions) (io.ReadCloser, error) {
	query := url.Values{}
	set(query, "container", o.Container)
	if o.Follow {
		query.Set("follow", "true")
	}
	if o.Previous {
		query.Set("previous", "true")
	}
	if o.TailLines > 0 {
		query.Set("tailLines", strconv.Itoa(o.TailLines))
	}
	resp, err := c.send(ctx, http.MethodGet, podPath(namespace, name)+"/log", query, nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}
