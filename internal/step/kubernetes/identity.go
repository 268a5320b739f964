package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"maestro/internal/kube"
	"maestro/internal/step"
)

// identity is the attempt's name in annotations and messages. Its last part is the uuid of the attempt.
func identity(a *step.Attempt) string {
	return fmt.Sprintf("[%s][%d][%d][%s][%d][%s]", a.WorkflowID, a.Instance, a.Run, a.StepID, a.Number, a.UUID)
}

// foreign says why a pod under the name of an attempt's pod is not that pod; empty: it is. A foreign pod is left alone,
// whatever is wanted of the attempt.
func (cl *cluster) foreign(a *step.Attempt, p *kube.Pod) string {
	about := p.Metadata.Annotations
	switch {
	case about[annotationStep] == "":
		return "it has no annotation " + annotationStep
	case about[annotationStep] != identity(a), about[annotationAttempt] != a.UUID:
		return "it belongs to " + about[annotationStep]
	case about[annotationInstallation] != cl.cfg.Installation:
		return "it belongs to another installation of maestro"
	}
	return ""
}

// nameTaken is the error of an attempt whose pod's name another pod has.
func nameTaken(j *job, why string) error {
	return fmt.Errorf("pod [%s] exists in namespace [%s] and is not of this attempt: %s; it is left as it is: delete it, or give the step another job_deduplication_key", j.name, j.ns, why)
}

const (
	maxName   = 253 // of a pod
	maxPlain  = 40  // what is left for people of a text that is no name
	hashBytes = 16
	hashMark  = "-x" // before the hash
)

// podName returns the name of the pod with a key. A key that can be the name of a pod is it. What else a key may be, and
// whatever looks like a name that was made here, becomes what is readable of it and a hash of all of it, so that no two
// keys have the same name.
func podName(key string) string {
	if isName(key) && !isMade(key) {
		return key
	}
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, key)
	plain = strings.Trim(plain[:min(len(plain), maxPlain)], "-")
	if plain == "" {
		plain = "maestro"
	}
	sum := sha256.Sum256([]byte(key))
	return plain + hashMark + hex.EncodeToString(sum[:hashBytes])
}

// isName reports whether a text can be the name of a pod: labels of small letters, digits and -, with dots between them.
func isName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		plain := strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789")
		if label == "" || strings.Trim(plain, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

// isMade reports whether a name ends like one with a hash.
func isMade(name string) bool {
	at := len(name) - 2*hashBytes
	return at >= len(hashMark) && strings.HasSuffix(name[:at], hashMark) && strings.Trim(name[at:], "0123456789abcdef") == ""
}
