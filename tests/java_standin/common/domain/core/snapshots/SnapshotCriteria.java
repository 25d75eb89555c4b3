package ROOT.domain.core.snapshots;

public final class SnapshotCriteria {
    public final String name;
    public final String owner;
    public final boolean open;

    private SnapshotCriteria(SnapshotCriteriaBuilder builder) {
        name = builder.name;
        owner = builder.owner;
        open = builder.open;
    }

    /** Patterns as SQL's LIKE has them. */
    public static final class SnapshotCriteriaBuilder {
        private final String name;
        private final String owner;
        private boolean open;

        public SnapshotCriteriaBuilder(String name, String owner) {
            if (name == null || owner == null) {
                throw new IllegalArgumentException("A snapshot is asked for by name and owner");
            }
            this.name = name;
            this.owner = owner;
        }

        public SnapshotCriteriaBuilder withPublic() {
            open = true;
            return this;
        }

        public SnapshotCriteria build() {
            return new SnapshotCriteria(this);
        }
    }
}
