package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"maestro/internal/kube"
	"maestro/internal/kube/kubetest"
)

// live is the life of a pod: it does its work and writes a proof of it, or something else happens to it.
func (c *cluster) live(_ *kubetest.Cluster, p *kubetest.Pod) {
	name, uuid := attemptOf(p.Metadata.Annotations)
	c.watchOver(p)
	luck := c.o.draw("life " + name)
	time.Sleep(between(luck, 0, 100))
	possible := lives
	if p.Image() != "patient" {
		possible = slices.Concat(lives, longLives)
	}
	do, ok := befalls(c.o, luck, possible)
	if !ok {
		do = (*cluster).works
	}
	if c.Change(p, func(p *kubetest.Pod) { p.Status.Phase = kube.Running }) {
		c.Wrote(p, proof(uuid))
		do(c, p, luck)
	}
}

// watchOver looks whether another attempt of the same step is still at work.
func (c *cluster) watchOver(p *kubetest.Pod) {
	name, _ := attemptOf(p.Metadata.Annotations)
	step := name[:strings.LastIndexByte(name, '[')]
	for _, other := range c.Pods() {
		name, uuid := attemptOf(other.Metadata.Annotations)
		if strings.HasPrefix(name, step+"[") && other.Metadata.UID != p.Metadata.UID && other.Alive() {
			c.o.crime("the pod of %s begins while that of %s (%s) is at work", p.Metadata.Annotations["step_identity"], name, uuid)
		}
	}
}

// proof is what a job writes that has done its work.
func proof(uuid string) string {
	return fmt.Sprintf("MAESTRO_OUTPUT_START_TOKEN{\"params\":{\"proof\":%q}}MAESTRO_OUTPUT_END_TOKEN\n", uuid)
}

// works does the work.
func (c *cluster) works(p *kubetest.Pod, luck *rand.Rand) {
	time.Sleep(between(luck, 0, 300))
	if !c.End(p, 0, "") {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did[p.Metadata.Name] = true
}

// vanishes notes that a pod is about to vanish.
func (c *cluster) vanishes(p *kubetest.Pod, luck *rand.Rand) {
	time.Sleep(between(luck, 0, 600))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost[p.Metadata.Name] = true
}

var lives = []mishap[func(*cluster, *kubetest.Pod, *rand.Rand)]{
	{"life-slow", 150, func(c *cluster, p *kubetest.Pod, luck *rand.Rand) {
		time.Sleep(between(luck, 500, 1500))
		c.works(p, luck)
	}},
	{"life-fails", 80, func(c *cluster, p *kubetest.Pod, _ *rand.Rand) { c.End(p, 3, "Error") }},
	{"life-oom", 30, func(c *cluster, p *kubetest.Pod, _ *rand.Rand) { c.End(p, 137, "OOMKilled") }},
	{"life-evicted", 60, func(c *cluster, p *kubetest.Pod, _ *rand.Rand) {
		c.Change(p, func(p *kubetest.Pod) { p.Status.Phase, p.Status.Reason = kube.Failed, "Evicted" })
	}},
	{"life-lost", 40, func(c *cluster, p *kubetest.Pod, luck *rand.Rand) {
		c.vanishes(p, luck)
		c.Lose(p.Metadata.Name)
	}},
	{"life-removed", 60, func(c *cluster, p *kubetest.Pod, luck *rand.Rand) {
		c.vanishes(p, luck)
		c.Remove(p)
	}},
	{"life-raves", 20, func(c *cluster, p *kubetest.Pod, luck *rand.Rand) {
		c.Wrote(p, "MAESTRO_OUTPUT_START_TOKEN{\"params\":MAESTRO_OUTPUT_END_TOKEN\n")
		c.End(p, 0, "")
	}},
}

// longLives are those that end only when they are told to, or are long to be told.
var longLives = []mishap[func(*cluster, *kubetest.Pod, *rand.Rand)]{
	{"life-forever", 120, func(*cluster, *kubetest.Pod, *rand.Rand) {}},
	{"life-stuck", 60, func(c *cluster, p *kubetest.Pod, _ *rand.Rand) {
		c.Change(p, func(p *kubetest.Pod) {
			p.Status.Phase = kube.Pending
			s := kube.ContainerStatus{Name: "maestro-job"}
			s.State.Waiting = &kube.Waiting{Reason: "ImagePullBackOff", Message: "Back-off pulling image"}
			p.Status.ContainerStatuses = []kube.ContainerStatus{s}
		})
	}},
	{"life-wordy", 30, func(c *cluster, p *kubetest.Pod, luck *rand.Rand) {
		c.Writes(p, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("tailLines") != "" {
				io.WriteString(w, strings.Repeat("and so on\n", 999)+proof(p.Metadata.Name))
				return
			}
			endless(w)
		})
		c.works(p, luck)
	}},
}
