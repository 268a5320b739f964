package instance

// Run policies (spec/engine 11.1): how a run of an instance came to be.
const (
	StartFresh            = "START_FRESH_NEW_RUN"
	StartCustomized       = "START_CUSTOMIZED_RUN"
	RestartFromIncomplete = "RESTART_FROM_INCOMPLETE"
	RestartFromBeginning  = "RESTART_FROM_BEGINNING"
	RestartFromSpecific   = "RESTART_FROM_SPECIFIC"
	RestartFromInlineRoot = "RESTART_FROM_INLINE_ROOT"
	RestartFromStep       = "RESTART_FROM_STEP"
)

// Policy returns the run policy.
func (r *Run) Policy() string {
	if r.Header.Policy != "" {
		return r.Header.Policy
	}
	return StartFresh
}
