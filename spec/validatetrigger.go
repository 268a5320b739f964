package spec

import (
	"fmt"
	"time"

	"maestro/internal/cron"
)

func (v *validator) timeTriggers(triggers []TimeTrigger) {
	v.field("time_triggers")
	for i := range triggers {
		v.index(i)
		v.timeTrigger(&triggers[i])
		v.up()
	}
	v.up()
}

// timeTrigger checks a schedule (§6.1): its text, its zone, its delay, and how often it fires.
func (v *validator) timeTrigger(t *TimeTrigger) {
	if t.Type == "" {
		return // reported by the decoder
	}
	v.timeout("fuzzy_max_delay", t.FuzzyMaxDelay)
	if t.FuzzyMaxDelay.Dynamic() {
		v.errorOf("fuzzy_max_delay", "cannot refer to params: a schedule has none")
	}
	if t.Type == IntervalTrigger {
		v.errorf("TimeTrigger nextExecutionDate is not implemented for type: INTERVAL; use CRON or PREDEFINED")
		return
	}
	schedule, ok := v.schedule(t)
	zone, err := cron.Zone(t.Timezone.Value)
	if err != nil {
		v.errorOf("timezone", "[timezone expression] is not valid: "+err.Error())
		return
	}
	if ok && !v.rules.Now.IsZero() {
		v.spacing(schedule, v.rules.Now.In(zone))
	}
}

func (v *validator) schedule(t *TimeTrigger) (cron.Schedule, bool) {
	if t.Type == PredefinedTrigger && t.Expression == "" {
		return cron.Schedule{}, false // reported by the decoder
	}
	text := t.CronText()
	if text == "" {
		v.errorOf("cron", "[cron expression] cannot be null or empty")
		return cron.Schedule{}, false
	}
	s, err := cron.Parse(text)
	if err != nil {
		v.errorOf("cron", fmt.Sprintf("[cron expression] is not valid - rejected value is [%s] - error: [%s]", text, err))
		return cron.Schedule{}, false
	}
	return s, true
}

// spacing looks at the next fires, not only the next two, since what is irregular may slip through by the hour.
func (v *validator) spacing(s cron.Schedule, now time.Time) {
	const fires = 10
	last, ok := s.Next(now)
	for range fires {
		next, more := s.Next(last)
		if !ok || !more {
			return
		}
		if gap := next.Sub(last); gap < v.rules.TriggerSpacing {
			v.errorf("[time-trigger] the interval between time triggers is less than the minimal value [%d] millis: it fires at %s and %s",
				v.rules.TriggerSpacing.Milliseconds(), last.Format(time.DateTime), next.Format(time.DateTime))
			return
		}
		last = next
	}
}

func (v *validator) signalTriggers(triggers []SignalTrigger) {
	v.field("signal_triggers")
	for i := range triggers {
		v.index(i)
		v.signalTrigger(&triggers[i])
		v.up()
	}
	v.up()
}

// signalTrigger checks a signal trigger (§6.2).
func (v *validator) signalTrigger(t *SignalTrigger) {
	if t.Definitions == nil {
		v.errorOf("definitions", "may not be null: a signal trigger needs the signals that it waits for")
		return
	}
	if n := len(t.Definitions); n > v.rules.MaxTriggerSignals {
		v.errorf("[signal-trigger] the signal names within the signal triggers are more than the limit [%d]", v.rules.MaxTriggerSignals)
	}
	keys := -1
	for i := range t.Definitions {
		def := &t.Definitions[i]
		if keys >= 0 && keys != len(def.JoinKeys) {
			v.errorf("[signal-trigger] the join_keys lengths between signals [%s] and [%s] must be the same", t.Definitions[0].Signal, def.Signal)
		}
		if i == 0 {
			keys = len(def.JoinKeys)
		}
		joined := make(map[string]bool, len(def.JoinKeys))
		for _, key := range def.JoinKeys {
			joined[key] = true
		}
		for _, m := range def.Match {
			if joined[m.Param] {
				v.errorf("[signal-trigger] the join_key [%s] cannot be used in match_params at the same time", m.Param)
			}
		}
	}
}
