package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// sdkVersion is the release of the Python SDK that the server is held to.
const sdkVersion = "0.1.4"

// sdk returns a python and the directory that has the SDK. It is installed from PyPI once and kept in the user's cache.
func sdk(t *testing.T) (python, dir string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("the Python SDK needs python3, which is not installed")
	}
	if err := exec.Command(python, "-c", "import sys; sys.exit(sys.version_info < (3, 10))").Run(); err != nil {
		t.Skip("the Python SDK needs Python 3.10 or later")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("nowhere to keep the Python SDK: %v", err)
	}
	dir = filepath.Join(cache, "maestro-go-test", "maestro-sdk-"+sdkVersion)
	if _, err := os.Stat(filepath.Join(dir, "maestro", "client")); err == nil {
		return python, dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Skipf("nowhere to keep the Python SDK: %v", err)
	}
	unfinished, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		t.Skipf("nowhere to keep the Python SDK: %v", err)
	}
	defer os.RemoveAll(unfinished)
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1",
		"--timeout", "5", "--target", unfinished, "maestro-sdk=="+sdkVersion).CombinedOutput()
	if err != nil {
		t.Skipf("pip cannot install maestro-sdk %s, perhaps there is no network: %v\n%s", sdkVersion, err, brief(string(out)))
	}
	if err := os.Rename(unfinished, dir); err != nil {
		t.Skip(err)
	}
	return python, dir
}

// TestPythonSDK drives the server with the Python SDK of the reference: its own definitions, client and watch.
func TestPythonSDK(t *testing.T) {
	t.Parallel()
	python, dir := sdk(t)
	d := serve(t)
	cmd := exec.CommandContext(t.Context(), python, "testdata/e2e/sdk.py", d.url)
	cmd.Env = environ("PYTHONPATH="+dir, "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wants(t, string(out), "all is well")
}
