package filter

import "holdfast/jwt"

// Known answers: what a host is asked at start, before it is trusted with a token.
// The private keys are gone; a test verifies all of it with Go's own crypto.

// probeKeys has one key for each of probeTokens.
const probeKeys = `{"keys":[
{"kty":"EC","crv":"P-256","x":"Fcz0sfn6qqMvUskA4PNXaK8O7OBniVa5sQao61dew3E","y":"98PkTiec8NZI5fVU888eSHQSJ9lKORS2f5c3_DRC_NE"},
{"kty":"EC","crv":"P-384","x":"eV0y4lFRZohstzVawpdz0vUIRw4RxWmvdZbWLOQqtkVtL8Voz-Y89yPCRTMARyr-","y":"WD6WQV1hffVV2nd9jDrnZ7iLGLvLzgw7UuCMkxBC7yBpO7Zphm9vPbEkRYRcJOLo"},
{"kty":"RSA","n":"oP3F8dTRBc60rVXtKb-nSKtN2mhuD9A0CmBmP0ywB0Eq1KviD_TftsL-gitZNJNFC0xqCTXojY3ywaWzn7N5S6buNlN_wcsm4ngk1t9lisZXQ-y0j77Rsak9ypTULF3wuGaZKK30JJL5Ec9tIj6yaJDozCBMHj7LgEvI0aWh8IZ6jLj5j4xPSx4rK4SMeuNl8J8pQ-RSMoZ1L-Tq8oYGYoIjq02kOOr0OUXwOeKKXDsYh6Uy5bhDJa9VhoSvfPHcQggUIzMXXa442HNzw2CEOqDFSn_6b1ncxkgty6kVV6cGJRyrOxGn3dU_FM9xNInVC_YIexq2dwHX-nCeiwYrqQ","e":"AQAB"}
]}`

// probeTokens are good tokens, one for each algorithm that a host may know.
var probeTokens = []struct {
	algorithm jwt.Algorithm
	token     string
}{
	{jwt.ES256, "eyJhbGciOiJFUzI1NiJ9.e30.Eo7419OMoVizN0W1_ihyyFtb7mQTXCv11Y_gdMt2ZsyJmxiSbjqIcE7HAnDhxX11d1TwXKw" +
		"O9pewOQWDnpTrSQ"},
	{jwt.ES384, "eyJhbGciOiJFUzM4NCJ9.e30.uu42P-q0Y5D8fIvNRo2ul4C6i7KZJQF2_aeof4tMD0YHzWGkMsIeZaMBs-xqpW4COyehb7h" +
		"4wJYpD1gRQvLhF0Uu_cx3whYmzcMW8N6J5Aht04ovmaZ_xYYOfkTD02-O"},
	{jwt.RS256, "eyJhbGciOiJSUzI1NiJ9.e30.C4MoVtK7UQYh22cbl-HYdZmbCeFVjUDzFIdl_tBMhXEkToF6FOo3XtPQpA-sbzwUjh9NBjQ" +
		"tTGRMSh1qcvys2QakpNOBQiV1Q_IcEDt9PjVs5k7w0OTPpt_Z88s1puE6PUO9XqJy9zIdSxgdSOP1YL8PfQDrI2dQxM-WLzP" +
		"zFUb4JFw8Pz6280s5LpEiLtEGXEB1UPR96qPL5tm5X2-yBgXeXnjpfFUiFWruF0-w_k3gbYk24yaWD-jNyLczQrq9G0AIauh" +
		"lGR7gYrx0JMW4oJ8uBmFx7j_rpfXJ9wzuCiR2vcuSuXu9TrBJeXiJMi1uQMON_qg66Z3bWtJC7LWMTw"},
	{jwt.RS384, "eyJhbGciOiJSUzM4NCJ9.e30.CtJ3PXFausTBrXU3ffnm-X1ocr0Td6J_PPTmLAoG5KMprQs7OIlg_M1N564FP6XM9SdmVi7" +
		"3KT2vJuRq2c7CtmPkOdrJkR5ynhrn4eSDEDaeTYXSAjJEvbkH2494QxtnWdLn07vKtCrbFShzLckfQsBVnZSkvybSeihvNuN" +
		"VkamLauZaJHjRzYmGEtmEHA-axivrsmn9UFVemO-n62a_BeiYaXD90kZvvdmYFeOTD9Jxj9bXy6G0EbRAhkG93gBWBFjT_L4" +
		"aLA3lpMr3KByx_5p5NLtY_Uy_FhY9teXJ5XXI139e-9bR3BxI-FbcpCM7-iWJNPmHPT_e5zQq4M3ZNg"},
	{jwt.RS512, "eyJhbGciOiJSUzUxMiJ9.e30.HmvooGN36GViZ_Z65taH6ffcFlb218oaZ1oC1sfiOk_ty3TV8t4E9mDXO8IZmL7KppjZQKS" +
		"2gGryTPyzkLT2apekLDuaoCOboBGsp375KPdKrFaMfBdZdFdFMzgQysUewyCzFn9A0DsHUDUhYw6XFF4NjukwHxwazsFJqWz" +
		"gqrUdSdPibsRGXdKZPivArq9zmgFlN_Wot_SFc_DGg6HBu2uH7advVokWBWbzWblc_29-XGuksoTz6DHYTt83gWvDOZj-16i" +
		"43sKPu3EKjfHZMi7DDzf2rBQhIXm2t8OW4cKNKGSthYLrX1jIF3rxfg1-PnYJQFrmodM80eupFYDkvA"},
}
