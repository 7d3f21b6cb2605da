package config

import "slices"

// read takes "proof_of_possession".
func (b *Binding) read(o *object) {
	methods := o.get("methods").notEmpty().texts([]string{"mtls"}, bindingMethod)
	b.MTLS = slices.Contains(methods, "mtls")
	b.Optional = o.get("mode").choice("strict", "optional") == "optional"
	b.ReportOnly = o.get("report_only").boolean(false)
	o.get("dpop").unsupported()
}

func bindingMethod(s string) string {
	switch s {
	case "mtls":
		return ""
	case "dpop":
		return notSupported
	}
	return `must be "mtls"`
}
