package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"maestro/client"
)

func newSignalCmd(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "signal",
		Short:   "Announce signals",
		GroupID: groupSignal,
		Args: func(cmd *cobra.Command, given []string) error {
			if len(given) == 0 {
				return nil
			}
			return unknownCommand(cmd, given[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAnnounceCmd(p))
	return cmd
}

func newAnnounceCmd(p *program) *cobra.Command {
	var (
		params  []string
		payload []string
		id      string
	)
	cmd := &cobra.Command{
		Use:   "announce NAME",
		Short: "Announce a signal to the steps and triggers that wait for it",
		Long: `Announce a signal to the steps and triggers that wait for it.

Params are what they match on: texts and whole numbers. NAME:string=VALUE makes
a text of a number. The payload is carried along.

Announcing the same name and params again changes nothing and exits with 0; a
request id makes the same announcement a new one.`,
		Example: `  maestro signal announce db/warehouse/orders --param day=20240131
  maestro signal announce tick --request-id $(uuidgen)
  maestro signal announce orders --payload rows=120345 --payload by=ingest`,
		Args: args("a NAME", 1, 1),
		RunE: func(cmd *cobra.Command, given []string) error {
			r := client.SignalRequest{Name: given[0], RequestID: id}
			var err error
			if r.Params, err = signalValues(params, true); err != nil {
				return usagef("--param %w", err)
			}
			if r.Payload, err = signalValues(payload, false); err != nil {
				return usagef("--payload %w", err)
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			s, err := c.Announce(cmd.Context(), r)
			if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == client.Conflict {
				p.note("%s: %s", r.Name, refused.Message)
				if p.wantsJSON() {
					return p.json(refused.JSON)
				}
				return nil
			}
			switch {
			case err != nil:
				return fmt.Errorf("announce %s: %w", r.Name, err)
			case p.wantsJSON():
				return p.json(s.JSON)
			case p.quiet:
				p.printf("%d\n", s.Sequence)
			default:
				p.printf("announced %s number %d\n", s.Name, s.Sequence)
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVarP(&params, "param", "p", nil, "param as `NAME=VALUE`, repeatable")
	cmd.Flags().StringArrayVar(&payload, "payload", nil, "entry of the payload as `NAME=VALUE`, repeatable; VALUE may be JSON")
	cmd.Flags().StringVar(&id, "request-id", "", "`ID` of the announcement (default made from name and params)")
	return cmd
}

// signalValues reads NAME=VALUE texts. What signals are matched on is a text or a whole number, so other values are
// taken as texts.
func signalValues(texts []string, matched bool) (map[string]any, error) {
	values := map[string]any{}
	for _, text := range texts {
		name, param, err := parseParam(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		_, written, _ := strings.Cut(text, "=")
		switch {
		case param.Type == "LONG":
			values[name] = json.Number(param.Value)
		case param.Type == "STRING" || matched:
			values[name] = written
		default:
			values[name] = json.RawMessage(plainValue(param.Value, written))
		}
	}
	return values, nil
}

// plainValue returns the value as it was written, where that is JSON: a MAP param has types inside that a payload has
// no use for.
func plainValue(value json.RawMessage, written string) []byte {
	if json.Valid([]byte(written)) {
		return []byte(written)
	}
	return value
}
