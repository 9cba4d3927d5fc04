// Tokens and API keys are sent in the same way: one place to put them is enough. There is one server: this one.
function simplify(spec) {
  delete spec.servers;
  delete spec.components.securitySchemes.api_key;
  spec.components.securitySchemes.bearer.description =
    'The access_token of a login, or the key of an API key.';
  for (const path of Object.values(spec.paths)) {
    for (const operation of Object.values(path)) {
      if (operation.security) {
        operation.security = operation.security.filter((way) => !('api_key' in way));
      }
    }
  }
  return spec;
}

fetch('../openapi.json')
  .then((answer) => answer.json())
  .then((spec) => SwaggerUIBundle({
    spec: simplify(spec),
    dom_id: '#reference',
    deepLinking: true,
    persistAuthorization: true,
    presets: [SwaggerUIBundle.presets.apis],
    layout: 'BaseLayout',
  }));
