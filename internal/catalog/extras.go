package catalog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"maestro/internal/cron"
	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/scope"
	"maestro/spec"
)

// extras returns enriched_extras of a version (definition 2.4): the params of the workflow and of its top-level steps,
// merged but neither evaluated nor cleaned up, and when its triggers fire next.
func (c *Catalog) extras(ctx context.Context, d *Definition) ([]byte, error) {
	w := d.Workflow
	params, err := scope.WorkflowBase(c.cfg.Defaults, w.Params, false)
	if err != nil {
		return nil, err
	}
	dst := params.AppendJSON([]byte(`{"workflow_params":`))
	dst = append(dst, `,"step_params":{`...)
	for _, s := range w.Steps {
		t, err := c.Template(ctx, s, instance.TemplateVersion(s, nil))
		if err != nil {
			return nil, err
		}
		defs, err := scope.EnrichStep(c.cfg.Defaults.Step, t.Params, c.cfg.Defaults.OfStep(string(s.Type)), s.Params)
		if err != nil {
			return nil, fmt.Errorf("params of step %q: %w", s.ID, err)
		}
		dst = defs.AppendJSON(doc.AppendName(dst, string(s.ID)))
	}
	dst = append(dst, '}')
	return append(c.appendNext(dst, w), '}'), nil
}

// appendNext appends the next fire time of each time trigger, and the first of them. Whether the version is active does
// not matter.
func (c *Catalog) appendNext(dst []byte, w *spec.Workflow) []byte {
	if len(w.TimeTriggers) == 0 {
		return dst
	}
	now := c.cfg.Now()
	var first int64
	list := []byte{'['}
	for i := range w.TimeTriggers {
		if i > 0 {
			list = append(list, ',')
		}
		at, ok := c.nextFire(string(w.ID), &w.TimeTriggers[i], now)
		if !ok {
			list = append(list, "null"...)
			continue
		}
		list = strconv.AppendInt(list, at, 10)
		if first == 0 || at < first {
			first = at
		}
	}
	if first != 0 {
		dst = strconv.AppendInt(append(dst, `,"next_execution_time":`...), first, 10)
	}
	dst = append(append(dst, `,"next_execution_times":`...), list...)
	return append(dst, ']')
}

func (c *Catalog) nextFire(workflow string, t *spec.TimeTrigger, after int64) (int64, bool) {
	if c.cfg.NextFire != nil {
		return c.cfg.NextFire(workflow, t, after)
	}
	schedule, err := cron.Parse(t.CronText())
	if err != nil {
		return 0, false
	}
	zone := time.UTC
	if t.Timezone.Value != "" {
		if zone, err = cron.Zone(t.Timezone.Value); err != nil {
			return 0, false
		}
	}
	next, ok := schedule.Next(time.UnixMilli(after).In(zone))
	return next.UnixMilli(), ok
}
