package main

import (
	"fmt"
	"strings"
)

// completion prints a script that completes commands, their flags and file names.
func (t *tool) completion(args []string) (int, error) {
	shell, err := t.parse(t.flags("completion", "bash|zsh|fish"), args)
	if err != nil {
		return wrongCall, err
	}
	list := strings.Join(names, " ")
	var flags []string
	t.explainFlags(new(explained)).VisitAll(func(f *flagOf) { flags = append(flags, "--"+f.Name) })
	options := strings.Join(flags, " ")
	switch shell {
	case "bash":
		fmt.Fprintf(t.out, bashCompletion, list, options)
	case "zsh":
		fmt.Fprintf(t.out, zshCompletion, list, options)
	case "fish":
		fmt.Fprintf(t.out, "complete -c holdfast -n __fish_use_subcommand -f -a %q\n", list)
		for _, name := range flags {
			fmt.Fprintf(t.out, "complete -c holdfast -n '__fish_seen_subcommand_from explain' -r -l %s\n", strings.TrimPrefix(name, "--"))
		}
		fmt.Fprintln(t.out, "complete -c holdfast -n '__fish_seen_subcommand_from check thumbprint' -l json")
		fmt.Fprintln(t.out, `complete -c holdfast -n '__fish_seen_subcommand_from completion' -f -a "bash zsh fish"`)
	default:
		return wrongCall, wrongUse{fmt.Errorf("no completions for %q: bash, zsh or fish", shell)}
	}
	return good, nil
}

const bashCompletion = `_holdfast() {
  local word="${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "%[1]s" -- "$word"))
  elif [ "${COMP_WORDS[1]}" = completion ]; then
    COMPREPLY=($(compgen -W "bash zsh fish" -- "$word"))
  elif [ "${COMP_WORDS[1]}" = explain ] && [ "${word#-}" != "$word" ]; then
    COMPREPLY=($(compgen -W "%[2]s" -- "$word"))
  elif [ "${word#-}" != "$word" ]; then
    COMPREPLY=($(compgen -W "--json --help" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _holdfast holdfast
`

const zshCompletion = `#compdef holdfast
_holdfast() {
  if (( CURRENT == 2 )); then
    compadd -- %[1]s
  elif [[ $words[2] == completion ]]; then
    compadd -- bash zsh fish
  elif [[ $words[2] == explain && $PREFIX == -* ]]; then
    compadd -- %[2]s
  elif [[ $PREFIX == -* ]]; then
    compadd -- --json --help
  else
    _files
  fi
}
compdef _holdfast holdfast
`
