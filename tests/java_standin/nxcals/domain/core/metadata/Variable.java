package ROOT.domain.core.metadata;

public interface Variable {
    String getVariableName();

    String getDescription();

    String getUnit();

    String getSystem();

    static Builder builder() {
        return new Builder();
    }

    /** Variables by name alone. */
    final class Builder {
        private String name;

        public Builder variableName(String variableName) {
            name = variableName;
            return this;
        }

        public Variable build() {
            return new VariableImpl(name, null, null);
        }
    }
}
