package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"maestro/internal/kube"
	"maestro/internal/kube/kubetest"
)

// machine is the one node of a cluster: its pods are processes in directories of their own. What they would install is
// there already, in the form of stand-ins, which write down how they are called.
type machine struct {
	cluster *kubetest.Cluster
	root    string
	bin     string
}

// stands are the programs for which this test binary stands in.
var stands = []string{"papermill", "python3", "git", "apt", "apt-get"}

func newMachine(t *testing.T) *machine {
	t.Helper()
	n := &machine{cluster: kubetest.New(t), root: t.TempDir(), bin: standsBin(t)}
	n.cluster.Live = n.live
	return n
}

// standsBin makes a directory of stand-ins.
func standsBin(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, name := range stands {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

// dir is where a pod works.
func (n *machine) dir(p *kubetest.Pod) string { return filepath.Join(n.root, p.Metadata.Name) }

// live runs the container of a pod.
func (n *machine) live(c *kubetest.Cluster, p *kubetest.Pod) {
	c.Change(p, func(p *kubetest.Pod) { p.Status.Phase = kube.Running })
	box := p.Spec.Containers[0]
	argv := append(slices.Clone(box.Command), box.Args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = n.dir(p)
	cmd.Env = []string{"PATH=" + n.bin + ":/usr/bin:/bin", standsIn + "=" + filepath.Join(n.root, p.Metadata.Name+".calls")}
	for _, v := range box.Env {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	err := os.Mkdir(cmd.Dir, 0o700)
	var log []byte
	if err == nil {
		log, err = cmd.CombinedOutput()
	}
	code := 0
	if err != nil {
		code = 127
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			code = e.ExitCode()
		}
		log = append(log, err.Error()...)
	}
	c.Wrote(p, string(log))
	c.End(p, code, "")
}

// only returns the pod that was begun, if there is only one.
func (n *machine) only(t *testing.T) *kubetest.Pod {
	t.Helper()
	all := n.cluster.Begun()
	if len(all) != 1 {
		t.Fatalf("%d pods were begun", len(all))
	}
	return all[0]
}

// calls returns how the stand-ins were called by a pod.
func (n *machine) calls(t *testing.T, p *kubetest.Pod) (calls [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(n.root, p.Metadata.Name+".calls"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var call []string
		if err := json.Unmarshal([]byte(line), &call); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, call)
	}
	return calls
}

// standsIn is the variable that makes this test binary a stand-in for the program by whose name it is called. Its value
// is the file where the call is written down.
const standsIn = "MAESTRO_TEST_STANDS_IN"

// standIn does what a program would do, as far as samples need it.
func standIn(file, name string, args []string) error {
	line, err := json.Marshal(append([]string{name}, args...))
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(append(line, '\n')); err != nil {
		return err
	}
	switch name {
	case "papermill":
		return papermill(args)
	case "git":
		if len(args) != 3 || args[0] != "clone" {
			return fmt.Errorf("git %q is not needed by any sample", args)
		}
		dir := filepath.Join(args[2], "examples")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "demo01.ipynb"), []byte(notebookText), 0o600)
	}
	return nil
}

// notebookText is a notebook that runs the script it is given, and says what else it is given.
const notebookText = `{"nbformat":4,"nbformat_minor":5,"metadata":{"kernelspec":{"name":"python3","display_name":"Python 3","language":"python"}},"cells":[
{"cell_type":"code","id":"a","metadata":{"tags":["parameters"]},"execution_count":null,"outputs":[],"source":["script = 'true'\n","foo = ''"]},
{"cell_type":"code","id":"b","metadata":{},"execution_count":null,"outputs":[],"source":[
"import subprocess\n","print('foo is', foo)\n","print(subprocess.run(['sh', '-c', script], check=True, capture_output=True, text=True).stdout)"]}]}`

// papermill reads its arguments as the real one does, runs the script that the notebook is given, and writes the executed
// notebook. Like the real one, it writes what cells print to standard error.
func papermill(args []string) error {
	var paths []string
	var params map[string]any
	logs := false
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-y" && i+1 < len(args):
			i++
			if err := json.Unmarshal([]byte(args[i]), &params); err != nil {
				return fmt.Errorf("papermill -y %s: %w", args[i], err)
			}
		case arg == "--start_timeout" && i+1 < len(args):
			i++
			if _, err := strconv.Atoi(args[i]); err != nil {
				return err
			}
		case arg == "--log-output":
			logs = true
		case strings.HasPrefix(arg, "-"):
			return fmt.Errorf("papermill has no option %s", arg)
		default:
			paths = append(paths, arg)
		}
	}
	if len(paths) != 2 {
		return fmt.Errorf("papermill wants two paths, not %q", paths)
	}
	if u, err := url.Parse(paths[0]); err != nil || u.Scheme != "https" {
		if _, err := readNotebook(paths[0]); err != nil {
			return err
		}
	}
	script, _ := params["script"].(string)
	out, err := exec.Command("sh", "-c", script).CombinedOutput()
	if logs {
		os.Stderr.Write(out)
	}
	text, _ := json.Marshal(map[string]any{"nbformat": 4, "cells": []any{map[string]any{"outputs": []any{map[string]any{"text": string(out)}}}}})
	return errors.Join(err, os.WriteFile(paths[1], text, 0o600))
}

// readNotebook returns the text of a file, if it may be a notebook.
func readNotebook(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if _, ok := dig(string(text), "cells").([]any); !ok {
		return "", fmt.Errorf("%s is no notebook", path)
	}
	return string(text), nil
}
